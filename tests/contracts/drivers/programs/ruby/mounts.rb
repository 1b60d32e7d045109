# frozen_string_literal: true

Kernel.syscall(165, +"tmpfs", +"/bundle", +"tmpfs", 6, 0)

def handler(_input) = $seen = ($seen || 0) + 1
