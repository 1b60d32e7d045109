# frozen_string_literal: true

def handler(_input) = "loaded"
