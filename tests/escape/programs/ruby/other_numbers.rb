
ESCAPES = { "x32" => ->(_) { sys(0x40000000 | 39) } }.freeze
