-- Up Migration
CREATE TABLE marketplace_orders (
  order_id             text        PRIMARY KEY,
  placed_at            timestamptz NOT NULL,
  deliver_on           date,
  currency             text        NOT NULL,
  total                numeric     NOT NULL CHECK (total >= 0),
  customer_id          bigint      NOT NULL,
  customer_email       text,
  billing_name         text        NOT NULL,
  billing_street       text        NOT NULL,
  billing_postal_code  text        NOT NULL,
  billing_city         text        NOT NULL,
  billing_country      text        NOT NULL,
  shipping_name        text        NOT NULL,
  shipping_street      text        NOT NULL,
  shipping_postal_code text        NOT NULL,
  shipping_city        text        NOT NULL,
  shipping_country     text        NOT NULL,
  -- The columns of order-ingest.
  source_topic         text        NOT NULL,
  source_partition     integer     NOT NULL,
  source_offset        bigint      NOT NULL,
  fingerprint          text        NOT NULL,
  ingested_at          timestamptz NOT NULL DEFAULT now(),
  corrected_by         text,
  corrected_at         timestamptz,
  correction_reason    text
);

CREATE TABLE marketplace_order_lines (
  order_id    text    NOT NULL REFERENCES marketplace_orders ON DELETE CASCADE,
  line_number integer NOT NULL,
  sku         text    NOT NULL,
  title       text,
  quantity    integer NOT NULL CHECK (quantity >= 1),
  unit_price  numeric NOT NULL CHECK (unit_price >= 0),
  tax_rate    numeric NOT NULL,
  gift        boolean NOT NULL,
  PRIMARY KEY (order_id, line_number)
);

CREATE TABLE marketplace_order_discounts (
  order_id    text    NOT NULL REFERENCES marketplace_orders ON DELETE CASCADE,
  line_number integer NOT NULL,
  code        text    NOT NULL,
  amount      numeric NOT NULL CHECK (amount <= 0),
  PRIMARY KEY (order_id, line_number)
);
