-- What a deploy fetched code from, as a text that is equal for sources that say the same, and the commit it came to.
ALTER TABLE deployments ADD COLUMN fetched_from text, ADD COLUMN fetched_commit text;
