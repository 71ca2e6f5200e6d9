/** Connectors of ioredis that check each server against a rule. */
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions, SentinelConnector } from 'ioredis';
import type { RefusedServer, ServerRule } from './announced.js';

type Connector = NonNullable<RedisOptions['Connector']>;
type Stream = Awaited<ReturnType<AbstractConnector['connect']>>;

const DEFAULT_PORT = 6379;
/** The default of ioredis. */
const DISCONNECT_TIMEOUT_MS = 2_000;

/** Returns a connector for a server or the nodes of a cluster. ioredis does not export its own. */
export function serverConnector(rule: ServerRule): Connector {
  return class extends AbstractConnector {
    private readonly to: RedisOptions;

    constructor(options: unknown) {
      const to = options as RedisOptions;
      super(to.disconnectTimeout ?? DISCONNECT_TIMEOUT_MS);
      this.to = to;
    }

    /** @throws RefusedServer */
    override async connect(): Promise<Stream> {
      const { host = 'localhost', port = DEFAULT_PORT, tls } = this.to;
      this.connecting = true;
      const refused = rule({ host, port });
      if (refused !== null) throw refused;
      await Promise.resolve();
      if (!this.connecting) throw new Error('Connection is closed.');
      const stream = tls ? connectTls({ host, port, ...tls }) : connectPlain({ host, port });
      stream.once('error', (error: Error) => (this.firstError = error));
      this.stream = stream;
      return stream;
    }
  };
}

/** Returns a connector for the master that sentinels name, and for the sentinels that they name. */
export function masterConnector(rule: ServerRule): Connector {
  return class extends SentinelConnector {
    private refused: RefusedServer | null;

    constructor(options: unknown) {
      // ioredis calls this function with each address that a sentinel names, before it connects to
      // that address.
      const natMap = (name: string): null => {
        const at = name.lastIndexOf(':');
        this.refused = rule({ host: name.slice(0, at), port: Number(name.slice(at + 1)) });
        if (this.refused !== null) throw this.refused;
        return null;
      };
      super({ ...(options as RedisOptions), natMap });
      this.refused = null;
    }

    /**
     * Rejects with the thrown error itself; ioredis would wrap it in its own message.
     * @throws RefusedServer
     */
    override connect(report: (type: string, error: Error) => void): Promise<Stream> {
      this.refused = null;
      return super
        .connect((type, error) => report(type, this.refused ?? error))
        .catch((error: unknown) => {
          throw this.refused ?? error;
        });
    }
  };
}
