# frozen_string_literal: true

CHILD = fork { sleep 600 }

def handler(_input) = $seen = ($seen || 0) + 1
