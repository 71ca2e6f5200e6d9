/**
 * A simple client of the simulated Google for its own tests: fetch and a small parser, without code
 * of the product.
 */
/** The result of JSON.parse, so that tests can access answers of any form. */
export type Json = ReturnType<typeof JSON.parse>;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

export class Client {
  constructor(
    readonly url: string,
    public accessToken: string,
  ) {}

  static async signIn(url: string, refreshToken: string): Promise<Client> {
    const answer = await tokenRequest(url, refreshToken);
    return new Client(url, answer.json.access_token);
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return read(
      await fetch(this.url + path, {
        headers: { authorization: `Bearer ${this.accessToken}`, ...headers },
      }),
    );
  }

  async post(path: string, body?: unknown): Promise<Answer> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    return read(
      await fetch(this.url + path, {
        method: 'POST',
        ...json,
        headers: {
          authorization: `Bearer ${this.accessToken}`,
          'content-type': 'application/json',
        },
      }),
    );
  }

  /** Sends the body unchanged. */
  async batch(
    body: string,
    contentType: string,
    path = '/batch/gmail/v1',
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return read(
      await fetch(this.url + path, {
        method: 'POST',
        body,
        headers: {
          authorization: `Bearer ${this.accessToken}`,
          'content-type': contentType,
          ...headers,
        },
      }),
    );
  }
}

export async function tokenRequest(
  url: string,
  refreshToken: string,
  extra: Record<string, string> = {},
): Promise<Answer> {
  const form = new URLSearchParams({
    client_id: 'client',
    client_secret: 'secret',
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...extra,
  });
  return read(await fetch(`${url}/token`, { method: 'POST', body: form }));
}

export interface BatchAnswer {
  contentId: string | null;
  status: number;
  json: Json;
  headers: string[];
}

/** A small multipart parser that shares no code with the simulator's writer. It requires CRLF. */
export function readBatch(answer: Answer): BatchAnswer[] {
  const boundary = /boundary=(.+)$/.exec(answer.headers.get('content-type') ?? '')?.[1];
  const pieces = answer.text.split(`--${boundary}`);
  if (pieces[0] !== '\r\n' || pieces.at(-1) !== '--\r\n')
    throw new Error('the batch answer is not framed by its boundary');
  return pieces.slice(1, -1).map((piece) => {
    const [blank, ...rest] = piece.split('\r\n\r\n');
    const outer = (blank as string).split('\r\n').filter((line) => line !== '');
    const inner = (rest[0] as string).split('\r\n');
    const contentId =
      outer.find((line) => line.startsWith('Content-ID: '))?.slice('Content-ID: '.length) ?? null;
    return {
      contentId,
      status: Number((inner[0] as string).split(' ')[1]),
      headers: inner.slice(1),
      json: JSON.parse(rest.slice(1).join('\r\n\r\n')),
    };
  });
}

/** Returns a batch of GETs in the form that most clients use. */
export function batchOf(paths: readonly string[], boundary = 'frontier', lineEnd = '\r\n'): string {
  const parts = paths.map((path, index) =>
    [
      `--${boundary}`,
      'Content-Type: application/http',
      `Content-ID: <part-${index}>`,
      '',
      `GET ${path} HTTP/1.1`,
      '',
      '',
    ].join(lineEnd),
  );
  return `${parts.join('')}--${boundary}--${lineEnd}`;
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').startsWith('application/json')
    ? JSON.parse(text)
    : null;
  return { status: response.status, headers: response.headers, text, json };
}
