/**
 * The secrets of docker-compose.yml: `node generate-secrets.mjs DIRECTORY [--new-master-key | --forget-old-master-key | --bring-back-old-master-key]`. The folders below DIRECTORY are volumes, one for each reader:
 *
 *   kept      what was generated at random, for this program only
 *   app       the URLs and the master key, for Syncline's processes
 *   owner     the URL of the role that owns the schema, for migrate
 *   postgres  the superuser's password, and the SQL that makes the roles
 *   redis     the user and its password
 *
 * A secret is generated once: a run that is repeated, or was killed, gives the same files. All other files are written again at each run, so a
 * new version may grant the user of Redis another command. `--new-master-key` begins a rotation (docs/how-to/security.md): the key becomes the old one, and
 * a new one is generated. `--forget-old-master-key` ends it, and no service gets the old key any more; `kept` has it until the next rotation has ended, and
 * `--bring-back-old-master-key` makes it the old one again.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** User ids in the images: `node`, and `postgres` and `redis` of their Debian images. */
const USERS = { app: 1000, owner: 1000, postgres: 999, redis: 999 };
const KEPT = {
  superuser_password: () => randomBytes(32).toString('hex'),
  owner_password: () => randomBytes(32).toString('hex'),
  app_password: () => randomBytes(32).toString('hex'),
  redis_password: () => randomBytes(32).toString('hex'),
  master_key: () => randomBytes(32).toString('base64'),
};
/** Exists during a rotation of the master key. */
const OLD_KEY = 'master_key_old';
/** The old key of the last completed rotation. No reader gets it. */
const KEY_BEFORE = 'master_key_before';
/** The minimum rights of docs/how-to/deployment.md. */
const REDIS_COMMANDS =
  `ping info time client|list client|setname multi exec eval evalsha scan type exists del unlink expire pexpire pexpireat persist pttl
  get set incr incrby hset hmset hsetnx hget hmget hgetall hexists hincrby hlen hdel lpush rpush lset lindex llen lpos lrange lrem ltrim lpop rpop rpoplpush
  rename sadd scard sismember smembers srem zadd zcard zcount zrange zrangebyscore zrevrange zrevrangebyscore zscore zrem zremrangebyrank zremrangebyscore
  zpopmin bzpopmin xadd xlen xrange xtrim publish subscribe`.split(/\s+/);

const USAGE =
  'usage: node generate-secrets.mjs DIRECTORY [--new-master-key | --forget-old-master-key | --bring-back-old-master-key]';
const CHANGES = {
  '--new-master-key': setKeyAside,
  '--forget-old-master-key': forgetOldKey,
  '--bring-back-old-master-key': bringBackOldKey,
};

const [root, change, ...more] = process.argv.slice(2);
if (
  root === undefined ||
  more.length > 0 ||
  (change !== undefined && !Object.hasOwn(CHANGES, change))
)
  fail(USAGE, 2);
else generate(root, change === undefined ? () => undefined : CHANGES[change]);

function generate(directory, changeKeys) {
  const folder = path.join(directory, 'kept');
  const refusal = changeKeys(folder);
  if (refusal !== undefined) return fail(refusal, 1);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  for (const [reader, files] of Object.entries(filesOf(kept(folder), redisPrefix()))) {
    mkdirSync(path.join(directory, reader), { recursive: true, mode: 0o755 });
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(directory, reader, name);
      if (text === null) rmSync(file, { force: true });
      else replace(file, `${text}\n`, USERS[reader]);
    }
  }
}

const UNDER_WAY =
  'A rotation has not ended: finish `keys rotate-master`, then run this with --forget-old-master-key.';

/** Sets the current key aside as the old one. A refusal is a sentence, and changes nothing. */
function setKeyAside(folder) {
  if (existsSync(path.join(folder, OLD_KEY))) return UNDER_WAY;
  if (!existsSync(path.join(folder, 'master_key')))
    return `There is no master key in ${folder}: there is nothing to replace. Run this without an option to generate one.`;
  rename(folder, 'master_key', OLD_KEY);
}

/**
 * Ends a rotation. The old key is kept, since this may be called before everything is sealed with
 * the new key.
 */
function forgetOldKey(folder) {
  if (existsSync(path.join(folder, OLD_KEY))) rename(folder, OLD_KEY, KEY_BEFORE);
}

function bringBackOldKey(folder) {
  if (existsSync(path.join(folder, OLD_KEY))) return UNDER_WAY;
  if (!existsSync(path.join(folder, KEY_BEFORE)))
    return `There is no master key of an earlier rotation in ${folder}.`;
  rename(folder, KEY_BEFORE, OLD_KEY);
}

function rename(folder, from, to) {
  renameSync(path.join(folder, from), path.join(folder, to));
  syncFolder(path.join(folder, to));
}

function fail(sentence, code) {
  console.error(sentence);
  process.exitCode = code;
}

/** Returns all secrets, and generates missing ones. */
function kept(folder) {
  for (const [name, draw] of Object.entries(KEPT))
    if (!existsSync(path.join(folder, name))) create(path.join(folder, name), draw());
  return Object.fromEntries(
    [...Object.keys(KEPT), OLD_KEY].map((name) => [name, textOf(path.join(folder, name))]),
  );
}

function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

function filesOf(secrets, prefix) {
  const urlOf = (role, password) => `postgresql://${role}:${password}@postgres:5432/syncline`;
  return {
    app: {
      database_url: urlOf('syncline', secrets.app_password),
      redis_url: `redis://syncline:${secrets.redis_password}@redis:6379`,
      master_key: secrets.master_key,
      [OLD_KEY]: secrets[OLD_KEY],
    },
    owner: { database_url: urlOf('syncline_owner', secrets.owner_password) },
    postgres: {
      superuser_password: secrets.superuser_password,
      '10-roles.sql': rolesSql(secrets),
    },
    redis: {
      password: secrets.redis_password,
      'users.acl': [
        'user default off',
        `user syncline on #${sha256(secrets.redis_password)} resetkeys ~${prefix}:* resetchannels &${prefix}:* -@all ${REDIS_COMMANDS.map((name) => `+${name}`).join(' ')}`,
      ].join('\n'),
    },
  };
}

/**
 * Returns the SQL of two roles: one owns the schema and migrates, the other, for the processes,
 * reads and writes rows. The passwords are hexadecimal.
 */
function rolesSql({ owner_password, app_password }) {
  const plain = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
  return `CREATE ROLE syncline_owner ${plain} PASSWORD '${owner_password}';
CREATE ROLE syncline ${plain} PASSWORD '${app_password}';
REVOKE ALL ON DATABASE syncline FROM PUBLIC;
GRANT CONNECT ON DATABASE syncline TO syncline_owner, syncline;
CREATE SCHEMA syncline AUTHORIZATION syncline_owner;
GRANT USAGE ON SCHEMA syncline TO syncline;
ALTER DEFAULT PRIVILEGES FOR ROLE syncline_owner IN SCHEMA syncline GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO syncline;
ALTER DEFAULT PRIVILEGES FOR ROLE syncline_owner IN SCHEMA syncline GRANT USAGE, SELECT ON SEQUENCES TO syncline;`;
}

function redisPrefix() {
  const prefix = process.env.REDIS_PREFIX || 'syncline';
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(prefix))
    throw new Error('REDIS_PREFIX must be 1 to 64 letters, digits, ".", "_" or "-"');
  return prefix;
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** Writes a file atomically, and never over an existing one. */
function create(file, text) {
  const draft = written(file, `${text}\n`);
  linkSync(draft, file);
  rmSync(draft);
  syncFolder(file);
}

/** Replaces a file atomically; only this user can read it. */
function replace(file, text, uid) {
  const draft = written(file, text);
  // Only root may change the owner; otherwise the files stay owned by the current user.
  if (process.getuid?.() === 0) chownSync(draft, uid, uid);
  renameSync(draft, file);
  syncFolder(file);
}

function written(file, text) {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const descriptor = openSync(draft, 'wx', 0o400);
  writeFileSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  return draft;
}

function syncFolder(file) {
  const descriptor = openSync(path.dirname(file), 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
