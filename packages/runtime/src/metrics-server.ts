import { once } from 'node:events';
import { createServer } from 'node:http';
import { OperatorError } from './errors.js';
import type { Metrics } from './metrics.js';

export interface MetricsServer {
  port: number;
  close(): void;
}

/**
 * Serves this process's metrics at `/metrics`, for the programs that have no other HTTP (a worker's are nowhere else). On every
 * address, as Prometheus asks from elsewhere; there is nothing personal in a metric. Port 0 takes a free one.
 * @throws OperatorError when the port is taken
 */
export async function serveMetrics(metrics: Metrics, port: number): Promise<MetricsServer> {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 10_000 },
    (request, response) => {
      if (request.url !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      metrics.registry.metrics().then(
        (page) =>
          response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(page),
        () => response.writeHead(500).end(),
      );
    },
  );
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new OperatorError(
      `METRICS_PORT ${port} cannot be listened on (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): set it to a free port above 1023`,
      { cause: error },
    );
  }
  server.unref();
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => server.close(),
  };
}
