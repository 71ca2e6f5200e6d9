import { documentOf, headersOf, html, type Page } from './html.js';

const PAGE: Page = {
  status: 200,
  title: 'A <title> & "more"',
  tone: 'plain',
  body: html`<p>${"<script>alert('x')</script>"}</p>`,
  reference: 'cs_1',
  leadsTo: ['https://accounts.google.com', 'https://accounts.google.com'],
};

test('values are escaped wherever they are written', () => {
  const text = documentOf(PAGE);
  expect(text).not.toContain('<script');
  expect(text).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;');
  expect(text).toContain('<title>A &lt;title&gt; &amp; &quot;more&quot;</title>');
});

test('the policy admits no script and no frame, and forms to the named origins only', () => {
  const headers = headersOf(PAGE);
  const policy = headers['Content-Security-Policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("form-action 'self' https://accounts.google.com;");
  expect(policy).not.toMatch(/script-src|unsafe-inline/);
  expect(headers['X-Frame-Options']).toBe('DENY');
});
