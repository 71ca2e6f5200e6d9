/**
 * The governor's ledger, in Lua on Redis: an exact sliding window, because the whole fleet decides on one clock (Redis TIME)
 * in one place, one script at a time.
 *
 * A bucket (one API of one user, or of the project) is a list of `slot:units`, oldest first, a slot being 250 ms, and a
 * hash with the running sum. What leaves the window is pruned from the head, so a charge costs O(what expired), not O(window).
 *
 * An entry counts for 60 s from the *end* of its slot plus a margin. The margin is not politeness: a charge made at t reaches
 * Google at t plus the way there, so two charges 60 s apart may arrive 59.9 s apart, and Google convicts. Calls that took
 * longer than the margin covers are moved to the moment of their answer (`MOVE`).
 *
 * Redis forgets: FLUSHALL, a restart from an old snapshot, a fail-over. `birth` holds a random epoch and the server's run id;
 * when either is not what a process knew, that process reports what it spent itself (`REPORT`) before it may charge again,
 * and everybody is held for two seconds so that all can report. Processes that charged (`witnesses`) and did not report
 * are `missing`: they may have died with what they spent untold, and the fleet waits until that has left the window. A Redis
 * that is really new has nobody who knew another epoch, and delays nobody.
 *
 * Common to all scripts: KEYS 1-3 are birth, witnesses, missing; ARGV 1-5 are the time (tests only; empty: Redis TIME), the
 * server's run id, the epoch that the process knows, the epoch to use should a new one be born, and the process's name.
 * The first element of every reply is -1 when the process must report first, and the second the epoch.
 */
import { type Script, script } from './redis.js';

export const SLOT_MS = 250;
const MARGIN_MS = 750;
/** How long an entry counts, from the start of its slot. */
export const KEEP_MS = 60_000 + SLOT_MS + MARGIN_MS;
/** A call that was under way longer than this is moved to the time of its answer: the margin covers no more. */
export const ON_THE_WAY_MS = 500;
/** How long everybody waits for reports after Redis forgot: two heartbeats. */
export const HOLD_MS = 2_000;

/** Without a heartbeat for longer, a process counts as lost: it may be spending what it keeps while Redis is away (`quota-away.ts`). */
export const LOST_MS = 3_000;

/** A process whose last beat is older beats before it charges, so that it has seen who is lost. */
export const STALE_BEAT_MS = 1_400;

/**
 * While live work is about, the lanes below it use the project's window evenly: so many milliseconds see no more than their share of a minute and a
 * surplus, a larger one for who has just connected. A minute's units spent in its first ten seconds take machine and database from those who wait for
 * a change (their p99 was ten times the idle one), and bring nobody's end nearer. Of a small limit a second's share is too few calls to be cut evenly.
 */
const EVEN_MS = { small: 5_000, large: 1_000, largeFrom: 120_000 };
const EVEN_SURPLUS = { catchUp: 1.25, backfill: 1.1 };
/**
 * Where the line of the backfills that were sent away for evenness ends at the latest: somebody in it may not come back. Who has just connected
 * stands in no line: behind two hundred others a first sync took half as long again, and without one it takes its chance among them.
 */
const EVEN_LINE_MS = 20_000;

/**
 * Parts in flight of several accounts that are one user: together (Google's cap is some 25, and the
 * customer's other apps share it), in one request, and while others that were sent before the first
 * of them was noted may be under way. A call that never lands is forgotten when no answer can come
 * any more.
 */
const SHARED_CAP = 20;
const SHARED_PARTS = 6;
const UNNOTED_FOR_MS = 3_000;
const UNNOTED_ROOM = 4;
const FLIGHT_TTL_MS = 60_000;
const FLIGHT_WAIT_MS = 200;

/** The beginning of every script. */
export const COMMON = `
local SLOT, KEEP, HOLD = ${SLOT_MS}, ${KEEP_MS}, ${HOLD_MS}
local STATE_TTL = 3700000 -- outlives the longest closure, one hour
local PACE_LEAST, PACE_SHRINK, PACE_REGROWTH_PER_MS = 25, 0.75, 10 / 60000
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local run, known, candidate, reporter = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local slot = math.floor(now / SLOT) * SLOT
local function num(n) return string.format('%.0f', n) end

-- The epoch as it is now, and until when everybody is held.
local function birth()
  local b = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'held_until')
  local epoch, held = b[1], tonumber(b[3])
  if not epoch or (run ~= '' and b[2] ~= run) then
    epoch, held = candidate, nil
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', run)
  end
  if known ~= '' and known ~= epoch and not held then
    held = now + HOLD
    redis.call('HSET', KEYS[1], 'held_until', num(held))
  end
  return epoch, held or 0
end

local function parse(entry)
  local at, units = string.match(entry, '^(%d+):(%d+)$')
  return tonumber(at), tonumber(units)
end

-- A bucket with everything that left the window taken off.
local function open(log, state)
  local s = redis.call('HMGET', state, 'sum', 'closed_until', 'live_at', 'catch_up_at', 'reserved', 'pace', 'pace_at', 'shared_at')
  local b = { log = log, state = state, sum = tonumber(s[1]) or 0, closed = tonumber(s[2]) or 0,
              live_at = tonumber(s[3]) or 0, catch_up_at = tonumber(s[4]) or 0, reserved = tonumber(s[5]) or 0, shared_at = tonumber(s[8]) }
  b.pace = math.min(100, (tonumber(s[6]) or 100) + math.max(0, now - (tonumber(s[7]) or now)) * PACE_REGROWTH_PER_MS)
  while true do
    local head = redis.call('LINDEX', log, 0)
    if not head then b.sum = 0 break end
    local at, units = parse(head)
    if at + KEEP > now then break end
    redis.call('LPOP', log)
    b.sum = b.sum - units
  end
  return b
end

-- What of the limit may be used at the bucket's pace: one call at least, if one fits at all, and nothing of what lost processes may be spending.
local function paced(b, limit, cost)
  return math.min(limit, math.max(cost, math.floor(limit * b.pace / 100))) - b.reserved
end

local function save(b)
  redis.call('HSET', b.state, 'sum', num(b.sum))
  redis.call('PEXPIRE', b.state, STATE_TTL)
  redis.call('PEXPIRE', b.log, KEEP + SLOT)
end

-- Adds to the newest slot, also when the clock stepped back behind it: the list stays in order, and the error is on the
-- safe side. Returns the slot that was used.
local function add(b, units)
  local last = redis.call('LINDEX', b.log, -1)
  b.sum = b.sum + units
  if last then
    local at, before = parse(last)
    if at >= slot then
      redis.call('LSET', b.log, -1, num(at) .. ':' .. num(before + units))
      return at
    end
  end
  redis.call('RPUSH', b.log, num(slot) .. ':' .. num(units))
  return slot
end

-- Units of a day: what the processes told, or what the ledger in Postgres had when it was last told of here with what was charged since, whichever is more.
local function day_used(key)
  local d = redis.call('HMGET', key, 'total', 'ledger', 'base')
  local total, ledger = tonumber(d[1]) or 0, tonumber(d[2])
  if not ledger then return total end
  return math.max(total, ledger + total - (tonumber(d[3]) or 0))
end

local function witness()
  redis.call('ZADD', KEYS[2], now, reporter)
end
`;

/**
 * KEYS 4-9: user log, user state, project log, project state, day, the user's calls in flight. ARGV
 * 6-13: cost, items, user limit, project limit, lane (1 live, 2 catch-up, 3 backfill), what the day
 * may have seen for this lane to go on (0: no bound), a name for this call, 0 or how several
 * accounts are this user (1: of an API with batches, which may be under way unnoted; 2: of
 * another). Reply: granted, epoch, wait, scope ('closed': the user's window is, not full), slot of
 * the charge, now, 1 when the call is noted as in flight.
 *
 * One account's run has one batch in flight, which keeps it under Google's cap of calls in flight.
 * Of several accounts that are one user, each call is noted until it has landed, and together they
 * stay under the cap.
 */
export const CHARGE: Script = script(`${COMMON}
local cost, items, user_limit, project_limit = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local lane, day_limit = tonumber(ARGV[10]), tonumber(ARGV[11])
local epoch, held = birth()
local function deny(wait, scope) return { 0, epoch, wait, scope, slot, now } end
if known ~= '' and known ~= epoch then return { -1, epoch } end
if held > now then return deny(held - now, 'project') end
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - KEEP)
  local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
  if last[2] then return deny(last[2] + KEEP - now, 'project') end
end

local user, project = open(KEYS[4], KEYS[5]), open(KEYS[6], KEYS[7])
user_limit, project_limit = paced(user, user_limit, cost), paced(project, project_limit, cost)
if lane == 1 then redis.call('HSET', project.state, 'live_at', num(now)) end
if lane == 2 then redis.call('HSET', project.state, 'catch_up_at', num(now)) end
-- Lower lanes leave the top of the project's window free, but only while higher ones are at work.
local lane_limit = project_limit
if lane > 1 and project.live_at + KEEP > now then lane_limit = math.floor(project_limit * 0.95) end
if lane > 2 and math.max(project.live_at, project.catch_up_at) + KEEP > now then lane_limit = math.floor(project_limit * 0.9) end

local function refuse(wait, scope)
  save(user)
  save(project)
  return deny(wait, scope)
end
if user.closed > now or project.closed > now then
  return refuse(math.max(user.closed, project.closed) - now, user.closed > project.closed and 'closed' or 'project')
end
local day_room = items
if day_limit > 0 then day_room = math.floor((day_limit - day_used(KEYS[8])) / cost) end
if day_room < 1 then return refuse(-1, 'day') end

if ARGV[13] ~= '0' and ARGV[13] and not user.shared_at then
  user.shared_at = ARGV[13] == '1' and now or 0
  redis.call('HSET', user.state, 'shared_at', num(user.shared_at))
end
local shared, flight_room = user.shared_at, items
if shared then
  local in_flight, flights = 0, redis.call('HGETALL', KEYS[9])
  for i = 1, #flights, 2 do
    local at, parts = parse(flights[i + 1])
    if at + ${FLIGHT_TTL_MS} > now then in_flight = in_flight + parts else redis.call('HDEL', KEYS[9], flights[i]) end
  end
  -- What was sent before anybody knew of the other accounts is not noted.
  if now < user.shared_at + ${UNNOTED_FOR_MS} then in_flight = in_flight + ${SHARED_CAP - UNNOTED_ROOM} end
  flight_room = math.min(${SHARED_PARTS}, ${SHARED_CAP} - in_flight)
  if flight_room < 1 then return refuse(${FLIGHT_WAIT_MS}, 'user') end
end
local function room(b, limit) return math.floor((limit - b.sum) / cost) end
local even, EVEN = nil, project_limit >= ${EVEN_MS.largeFrom} and ${EVEN_MS.large} or ${EVEN_MS.small}
if lane > 1 and project.live_at + KEEP > now then
  local surplus = lane == 3 and ${EVEN_SURPLUS.backfill} or ${EVEN_SURPLUS.catchUp}
  even = { limit = math.max(cost, math.floor(project_limit * EVEN / 60000 * surplus)), sum = 0, recent = {} }
  for _, entry in ipairs(redis.call('LRANGE', project.log, -2 * EVEN / SLOT, -1)) do
    local at, units = parse(entry)
    if at + EVEN > now then
      even.sum = even.sum + units
      table.insert(even.recent, { at, units })
    end
  end
end
local granted = math.min(items, day_room, flight_room, room(user, user_limit), room(project, lane_limit), even and room(even, even.limit) or items)
if granted < 1 then
  -- Until the whole request fits: coming back for the first crumb would cut every later batch into crumbs too.
  local function wait_for(b, limit)
    local excess = b.sum + math.min(items, math.max(1, math.floor(limit / cost))) * cost - limit
    if excess <= 0 then return 0 end
    for _, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do
      local at, units = parse(entry)
      excess = excess - units
      if excess <= 0 then return at + KEEP - now end
    end
    return KEEP
  end
  local by_user, by_project = wait_for(user, user_limit), wait_for(project, lane_limit)
  -- Every backfill that is sent away for evenness is told a time of its own, as far behind the one before as that one's request takes: told the
  -- same time, two hundred mailboxes would come back together, and all but a few in vain.
  local function wait_for_even()
    local wanted = math.min(items, math.max(1, math.floor(even.limit / cost))) * cost
    local excess, first = even.sum + wanted - even.limit, 0
    for _, entry in ipairs(even.recent) do
      if excess <= 0 then break end
      excess = excess - entry[2]
      first = entry[1] + EVEN - now
    end
    if lane == 2 then return first end
    local turn = math.max(now + first, tonumber(redis.call('HGET', project.state, 'in_line_until') or 0))
    redis.call('HSET', project.state, 'in_line_until', num(math.min(turn + wanted * EVEN / even.limit, now + ${EVEN_LINE_MS})))
    return turn - now
  end
  if even and by_user <= by_project and room(even, even.limit) < 1 then by_project = math.max(by_project, wait_for_even()) end
  -- Whoever was lost may be back with its next beat.
  if project.reserved > 0 then by_project = math.min(by_project, 2000) end
  return refuse(math.max(by_user, by_project), by_user >= by_project and 'user' or 'project')
end
local units = granted * cost
local used = add(user, units)
used = math.max(used, add(project, units))
save(user)
save(project)
redis.call('HINCRBY', KEYS[8], 'total', units)
redis.call('HINCRBY', KEYS[8], reporter, units)
redis.call('EXPIRE', KEYS[8], 172800)
witness()
if shared then
  redis.call('HSET', KEYS[9], ARGV[12], num(now) .. ':' .. num(granted))
  redis.call('PEXPIRE', KEYS[9], ${FLIGHT_TTL_MS})
end
return { granted, epoch, 0, '', used, now, shared and 1 or 0 }
`);

/**
 * Moves a charge to now. KEYS 4-7: user log, user state, project log, project state. ARGV 6-7: slot, units.
 * Reply: 0, epoch, slot it was moved to, now.
 */
export const MOVE: Script = script(`${COMMON}
local from, units = tonumber(ARGV[6]), tonumber(ARGV[7])
local epoch = birth()
if known ~= '' and known ~= epoch then return { -1, epoch } end
local used = slot
for i = 4, 6, 2 do
  local b = open(KEYS[i], KEYS[i + 1])
  for index, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do
    local at, there = parse(entry)
    if at == from and there >= units then
      redis.call('LSET', b.log, index - 1, num(at) .. ':' .. num(there - units))
      b.sum = b.sum - units
    end
  end
  used = math.max(used, add(b, units))
  save(b)
end
witness()
return { 0, epoch, used, now }
`);

/**
 * Closes a bucket after Google's refusal. KEYS 4-5: log, state. ARGV 6: for how long, ARGV 7: 1 to slow it down as well. Reply: 0, epoch,
 * closed until.
 *
 * A refusal although the ledger saw room means that the real limit is lower than ours: the pace falls to three quarters, down to a quarter of the
 * limit, and grows back by ten points a minute from the reopening on. Refusals that come while it is closed are echoes of the first one.
 */
export const CLOSE: Script = script(`${COMMON}
local epoch = birth()
local b = open(KEYS[4], KEYS[5])
local closed_until = math.max(b.closed, now + tonumber(ARGV[6]))
if tonumber(ARGV[7]) == 1 and b.closed <= now then b.pace = math.max(PACE_LEAST, b.pace * PACE_SHRINK) end
redis.call('HSET', b.state, 'closed_until', num(closed_until), 'pace', b.pace, 'pace_at', num(closed_until))
save(b)
return { 0, epoch, closed_until }
`);
