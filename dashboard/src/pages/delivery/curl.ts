/** For a POSIX shell: everything between single quotes is itself. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Made anew by curl itself. */
const OWN = /^(host|content-length|connection|accept-encoding|transfer-encoding)$/i;

/**
 * The same request by hand. `headers` as they are logged: without credentials; the signature in them is that of this
 * body, and tells nothing of the secret.
 */
export function curlOf({
  url,
  headers,
  body,
}: {
  url: string;
  headers: Record<string, string>;
  body: string;
}): string {
  const lines = Object.entries(headers)
    .filter(([name]) => !OWN.test(name))
    .map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return ['curl -i -X POST', ...lines, `--data-raw ${quoted(body)}`, quoted(url)].join(' \\\n  ');
}
