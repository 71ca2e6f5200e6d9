/**
 * The environment of the programs that run the embedded servers. The environment of this process
 * contains secrets, and a superuser can read the environment of the server with SQL (`COPY … FROM
 * PROGRAM 'env'`), so these are allow lists.
 */

/** Variables for finding programs and libraries, and for the format of their messages. */
const SERVER_NAMES = [
  'PATH',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'LC_MESSAGES',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
];

/** Variables by which Docker's client finds its server and its plug-ins. */
const DOCKER_NAMES = [
  'HOME',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'SSH_AUTH_SOCK',
  'XDG_RUNTIME_DIR',
];

/** Variables by which apt-get reaches its mirrors. */
const INSTALLER_NAMES = [
  'HOME',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** Returns the environment of the servers, and of programs that run as their user. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return only(SERVER_NAMES);
}

/** Returns the environment of Docker's client. */
export function dockerEnvironment(): NodeJS.ProcessEnv {
  return only([...SERVER_NAMES, ...DOCKER_NAMES]);
}

/** Returns the environment of apt-get. */
export function installerEnvironment(): NodeJS.ProcessEnv {
  return only([...SERVER_NAMES, ...INSTALLER_NAMES]);
}

function only(names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
