import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** One browser for a file; each person has a context of its own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] });
}

/** The customer's site, to which people are sent back. */
export interface CustomerSite {
  origin: string;
  close(): Promise<void>;
}

export async function startCustomerSite(): Promise<CustomerSite> {
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><html lang="en"><title>Acme</title><h1>Acme settings</h1>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** What axe finds on a page, in sentences. */
export async function violationsOf(page: Page): Promise<string[]> {
  // The policy of the page admits no script of its own; the browser's tools are not bound by it.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { target: unknown }[] }[];
  };
  return violations.map(
    ({ id, impact, nodes }) => `${impact} ${id} ${JSON.stringify(nodes[0]?.target)}`,
  );
}

/** Whether everything of the page is within its width. */
export function fitsWidth(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
}

/** Whether the policy of the page has let its style pass. */
export function isStyled(page: Page): Promise<boolean> {
  return page.evaluate("getComputedStyle(document.querySelector('main')).padding !== '0px'");
}

/** Chooses an account on Google's page. */
export async function chooseAccount(page: Page, email: string): Promise<void> {
  await page.getByRole('button', { name: email }).click();
}

/** Ticks these boxes on Google's page, and continues. */
export async function tick(page: Page, boxes: readonly string[] | 'all'): Promise<void> {
  if (boxes === 'all') await page.getByRole('button', { name: 'Select all' }).click();
  else for (const scope of boxes) await page.locator(`input[name=scope][value="${scope}"]`).check();
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}

export type { Browser, Page };
