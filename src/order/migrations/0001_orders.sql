-- Up Migration
CREATE TABLE orders (
  order_id         text        PRIMARY KEY,
  created_at       timestamptz NOT NULL,
  customer_name    text        NOT NULL,
  total_price      numeric     NOT NULL CHECK (total_price >= 0),
  source_topic     text        NOT NULL,
  source_partition integer     NOT NULL,
  source_offset    bigint      NOT NULL,
  fingerprint      text        NOT NULL,
  ingested_at      timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE orders IS 'One row for each order that has been ingested.';
COMMENT ON COLUMN orders.fingerprint IS 'SHA-256 of the JSON value of the message: equal for the same content.';
COMMENT ON COLUMN orders.source_offset IS 'With topic and partition, the message that brought the order.';

CREATE TABLE order_line_items (
  order_id    text    NOT NULL REFERENCES orders ON DELETE CASCADE,
  line_number integer NOT NULL CHECK (line_number >= 1),
  product_id  text    NOT NULL,
  quantity    bigint  NOT NULL CHECK (quantity >= 1),
  unit_price  numeric NOT NULL CHECK (unit_price >= 0),
  PRIMARY KEY (order_id, line_number)
);

COMMENT ON COLUMN order_line_items.line_number IS 'From 1, in the order of the message.';

-- Down Migration
DROP TABLE order_line_items;
DROP TABLE orders;
