import { gzipSync } from 'node:zlib';

/** What a browser loads before anything is shown, compressed; a build above the limit fails. */
export function firstLoadLimit({ kilobytes }) {
  return {
    name: 'first-load-limit',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = firstLoad(bundle);
      const sizes = [...files].map((name) => gzipSync(contentOf(bundle[name])).length);
      const total = sizes.reduce((sum, size) => sum + size, 0) / 1000;
      const told = `first load: ${total.toFixed(1)} kB gzipped in ${files.size} files`;
      if (total >= kilobytes) this.error(`${told}; the limit is ${kilobytes} kB`);
      this.info(told);
    },
  };
}

/** The entry, what it imports other than on demand, and their styles. */
function firstLoad(bundle) {
  const found = new Set();
  const add = (name) => {
    if (found.has(name)) return;
    found.add(name);
    const { imports = [], viteMetadata } = bundle[name];
    for (const file of [...imports, ...(viteMetadata?.importedCss ?? [])]) add(file);
  };
  for (const [name, { isEntry }] of Object.entries(bundle)) if (isEntry) add(name);
  return found;
}

const contentOf = ({ code, source }) => code ?? source;
