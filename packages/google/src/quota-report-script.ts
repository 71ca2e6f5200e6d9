/** What processes tell the ledger besides charges: that they live, what they spent when Redis forgot or was away, and that they leave. */
import { COMMON, LOST_MS } from './quota-script.js';
import { type Script, script } from './redis.js';

/** How long the fleet leaves free what a lost process may be spending. */
const FORGET_LOST_MS = 60_000;

/**
 * KEYS 4: members; 5-6: state of Gmail's and of Calendar's project window. ARGV 6-7: what this process has in these windows.
 * Reply: 0 or -1, epoch, now, then name and time of every process that charged within the window.
 *
 * A member that no longer beats is either dead, or cannot reach Redis and goes on with what it keeps, which nobody may take a second time: it is
 * taken off the project's limit for a minute. When nobody could beat, the minute begins when the first one can again.
 */
export const HEARTBEAT: Script = script(`${COMMON}
local LOST, FORGET_LOST = ${LOST_MS}, ${FORGET_LOST_MS}
local epoch = birth()
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - KEEP)
if known ~= '' and known ~= epoch then return { -1, epoch, now } end
local b = redis.call('HMGET', KEYS[1], 'beat_at', 'back_at')
local back_at = tonumber(b[2]) or 0
if now - (tonumber(b[1]) or 0) > LOST then back_at = now end
redis.call('HSET', KEYS[1], 'beat_at', num(now), 'back_at', num(back_at))
redis.call('HSET', KEYS[4], reporter, num(now) .. ':' .. ARGV[6] .. ':' .. ARGV[7])
redis.call('PEXPIRE', KEYS[4], STATE_TTL)
local gmail, calendar = 0, 0
local members = redis.call('HGETALL', KEYS[4])
for i = 1, #members, 2 do
  local at, g, c = string.match(members[i + 1], '^(%d+):(%d+):(%d+)$')
  if now - at > LOST then
    if now - math.max(at, back_at) > FORGET_LOST then redis.call('HDEL', KEYS[4], members[i])
    else gmail, calendar = gmail + g, calendar + c end
  end
end
for i, reserved in ipairs({ gmail, calendar }) do
  redis.call('HSET', KEYS[4 + i], 'reserved', num(reserved))
  redis.call('PEXPIRE', KEYS[4 + i], STATE_TTL)
end
local reply = { 0, epoch, now }
for _, v in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')) do reply[#reply + 1] = v end
return reply
`);

/** A process that ends spends nothing any more. KEYS 4: members. */
export const LEAVE: Script = script(`${COMMON}
local epoch = birth()
redis.call('HDEL', KEYS[4], reporter)
return { 0, epoch }
`);

/**
 * One chunk of what a process spent, told again. KEYS 4…: log and state of each bucket. ARGV 6: JSON, per bucket
 * `{entries: [[slot, units, at]…], closedUntil}`. Entries that the ledger still has (it survived up to this process's last
 * witness mark) are left out, so reporting twice, or to a Redis that lost only its last second, counts nothing twice.
 */
export const REPORT: Script = script(`${COMMON}
local epoch = birth()
local kept = tonumber(redis.call('ZSCORE', KEYS[2], reporter) or 0)
for i, told in ipairs(cjson.decode(ARGV[6])) do
  local b = open(KEYS[2 + 2 * i], KEYS[3 + 2 * i])
  local merged, order = {}, {}
  local function put(at, units)
    if not merged[at] then order[#order + 1] = at end
    merged[at] = (merged[at] or 0) + units
  end
  for _, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do put(parse(entry)) end
  for _, entry in ipairs(told.entries) do
    if entry[3] > kept and entry[1] + KEEP > now then
      put(entry[1], entry[2])
      b.sum = b.sum + entry[2]
    end
  end
  table.sort(order)
  redis.call('DEL', b.log)
  for _, at in ipairs(order) do redis.call('RPUSH', b.log, num(at) .. ':' .. num(merged[at])) end
  if told.closedUntil > math.max(now, b.closed) then redis.call('HSET', b.state, 'closed_until', num(told.closedUntil)) end
  save(b)
end
return { 0, epoch }
`);

/**
 * Ends a report. KEYS 4…: day keys. ARGV 6: JSON, units per day key, as this process counted them; ARGV 7: JSON, the
 * witnesses that it knew, `[[name, at]…]`; ARGV 8: 1 when Redis was away for so long that they may have gone on with what they kept.
 * Whoever spent later than the ledger remembers is missing until it reports.
 */
export const REPORTED: Script = script(`${COMMON}
local epoch = birth()
for i, units in ipairs(cjson.decode(ARGV[6])) do
  local known_of = redis.call('HGET', KEYS[3 + i], reporter)
  local untold = units - tonumber(known_of or 0)
  if untold > 0 then
    -- Whoever is told of for the first time after Redis forgot stands in the ledger already: it must not count on top of that.
    if not known_of and redis.call('HEXISTS', KEYS[3 + i], 'ledger') == 1 then redis.call('HINCRBY', KEYS[3 + i], 'base', untold) end
    redis.call('HINCRBY', KEYS[3 + i], 'total', untold)
    redis.call('HINCRBY', KEYS[3 + i], reporter, untold)
    redis.call('EXPIRE', KEYS[3 + i], 172800)
  end
end
for _, w in ipairs(cjson.decode(ARGV[7])) do
  local name, at = w[1], w[2]
  if name ~= reporter and at > tonumber(redis.call('ZSCORE', KEYS[2], name) or 0) then redis.call('ZADD', KEYS[3], tonumber(ARGV[8]) == 1 and now or at, name) end
end
witness()
redis.call('ZREM', KEYS[3], reporter)
redis.call('PEXPIRE', KEYS[3], KEEP)
return { 0, epoch }
`);

/** Reads without charging. KEYS 4…: log and state of each bucket. Reply: 0, epoch, then units, ms still closed and pace in percent of each. */
export const USAGE: Script = script(`${COMMON}
local epoch = birth()
local reply = { 0, epoch }
for i = 4, #KEYS, 2 do
  local b = open(KEYS[i], KEYS[i + 1])
  if b.sum > 0 then save(b) end
  reply[#reply + 1] = b.sum
  reply[#reply + 1] = math.max(0, b.closed - now)
  reply[#reply + 1] = math.floor(b.pace)
end
return reply
`);

/** Of how many milliseconds the first pause between two looks at the ledger is, and the longest. */
const LEDGER_PAUSE_MS = { first: 30_000, longest: 900_000 };

/**
 * Whether a day is to be compared with the ledger in Postgres. KEYS 4: day. Reply: 0, epoch, 1 or
 * 0. Each pause is as long as all before together: what was in hand when Redis forgot comes into
 * the ledger within minutes, and later the two agree.
 */
export const LEDGER_DUE: Script = script(`${COMMON}
local epoch = birth()
local at = redis.call('HMGET', KEYS[4], 'ledger_first', 'ledger_at')
local first, last = tonumber(at[1]), tonumber(at[2])
if not last then return { 0, epoch, 1 } end
local pause = math.min(math.max(last - first, ${LEDGER_PAUSE_MS.first}), ${LEDGER_PAUSE_MS.longest})
return { 0, epoch, now - last >= pause and 1 or 0 }
`);

/**
 * Tells a day what the ledger in Postgres has of it; what the day has seen never falls by it. KEYS
 * 4: day. ARGV 6: units. Reply: 0, epoch.
 */
export const LEDGER_TOLD: Script = script(`${COMMON}
local epoch = birth()
local units = math.max(tonumber(ARGV[6]), day_used(KEYS[4]))
redis.call('HSET', KEYS[4], 'ledger', num(units), 'base', num(tonumber(redis.call('HGET', KEYS[4], 'total') or 0)), 'ledger_at', num(now))
redis.call('HSETNX', KEYS[4], 'ledger_first', num(now))
redis.call('EXPIRE', KEYS[4], 172800)
return { 0, epoch }
`);

/** Units of a day. KEYS 4: day. Reply: 0, epoch, units. */
export const DAY: Script = script(`${COMMON}
return { 0, birth(), num(day_used(KEYS[4])) }
`);
