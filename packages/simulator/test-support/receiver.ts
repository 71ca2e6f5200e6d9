/**
 * A web server that receives pushes and channel notifications, records them, and answers as the
 * test defines.
 */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './client.js';

export interface Posted {
  headers: IncomingHttpHeaders;
  text: string;
  json: Json;
}

export class Receiver {
  readonly posted: Posted[] = [];
  /** Status of the next answers; the last one is used repeatedly. */
  statuses: number[] = [204];
  private readonly waiting: (() => void)[] = [];

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        receiver.posted.push({
          headers: request.headers,
          text,
          json: text === '' ? null : JSON.parse(text),
        });
        response.writeHead(
          receiver.statuses.length > 1
            ? (receiver.statuses.shift() as number)
            : (receiver.statuses[0] as number),
        );
        response.end();
        for (const wake of receiver.waiting.splice(0)) wake();
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  /** Waits until that many requests were received. */
  async until(count: number): Promise<Posted[]> {
    while (this.posted.length < count)
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    return this.posted;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }
}
