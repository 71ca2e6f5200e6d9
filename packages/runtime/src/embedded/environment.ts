/**
 * The environment of the programs around the embedded servers. Our own environment holds secrets,
 * and SQL of a superuser can read the server's (`COPY … FROM PROGRAM 'env'`), so these are allow
 * lists.
 */

/** What finding programs and libraries, and the form of their messages, depend on. */
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

/** Where Docker's client finds its server and its plug-ins. */
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

/** apt-get reaches its mirrors as the machine is set up to. */
const INSTALLER_NAMES = [
  'HOME',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** For the servers themselves, and for programs that run as their user. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return only(SERVER_NAMES);
}

/** For Docker's client. */
export function dockerEnvironment(): NodeJS.ProcessEnv {
  return only([...SERVER_NAMES, ...DOCKER_NAMES]);
}

/** For apt-get. */
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
