-- Up Migration
ALTER TABLE orders
  ADD COLUMN corrected_by text,
  ADD COLUMN corrected_at timestamptz,
  ADD COLUMN correction_reason text;

COMMENT ON COLUMN orders.corrected_by IS 'Who has corrected the message by hand; null where it is stored as it came.';
COMMENT ON COLUMN orders.correction_reason IS 'Why, in the words of whoever did it.';

-- Down Migration
ALTER TABLE orders
  DROP COLUMN corrected_by,
  DROP COLUMN corrected_at,
  DROP COLUMN correction_reason;
