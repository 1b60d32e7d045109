-- The W3C traceparent of the span that accepted a run for later; its execution is a span linked to that one.
ALTER TABLE runs ADD COLUMN traceparent text;
