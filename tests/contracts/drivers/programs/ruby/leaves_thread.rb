# frozen_string_literal: true

THREAD = Thread.new { sleep }

def handler(_input) = $seen = ($seen || 0) + 1
