-- Removes a process that is stopping and spends nothing more.
--   KEYS 4  members
-- Reply: 0, epoch.

local epoch = birth()
redis.call('HDEL', KEYS[4], reporter)
return { 0, epoch }
