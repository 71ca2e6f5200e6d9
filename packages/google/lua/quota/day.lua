-- Returns the units of a day.
--   KEYS 4  day
-- Reply: 0, epoch, units.

return { 0, birth(), num(day_used(KEYS[4])) }
