/** The simulated Google's control interface for the chaos test. */

export async function openGoogle(url) {
  const send = async (method, at, body) => {
    const answer = await fetch(url + at, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  };
  const lines = async (at) =>
    (await send('GET', at))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const accounts = await lines('/sim/accounts');
  return {
    url,
    accounts,
    emails: accounts.map(({ email }) => email),
    rate: (perSecond) => send('POST', '/sim/rate', { perSecond }),
    fault: (fault) => send('POST', '/sim/faults', fault),
    clearFaults: () => send('DELETE', '/sim/faults'),
    ledger: async () => JSON.parse(await send('GET', '/sim/ledger')),
    truth: (email, resource) =>
      lines(`/sim/truth/${encodeURIComponent(email)}?resource=${resource}`),
  };
}
