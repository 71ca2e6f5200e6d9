-- Raises a counter. A number below the stored one only renews the expiry.
--   KEYS 1  the counter
--   ARGV 1  the number, digits without leading zeros
--   ARGV 2  for how many seconds it is kept
-- Reply: 0.
--
-- The numbers are compared as text, because Lua's numbers lose the last digits of large ones.
-- Without leading zeros the longer of two numbers is the larger.

local known = redis.call('GET', KEYS[1])
if known and string.match(known, '^%d+$') and (#known > #ARGV[1] or (#known == #ARGV[1] and known >= ARGV[1])) then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return 0
