import { basename, dirname } from 'node:path';
import { defineConfig } from 'vite';
import { firstLoadLimit } from './first-load-limit.mjs';

/** Behind `npx vite` in this folder. */
const API_URL = process.env.POSTHORN_API_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // Relative: the same files are served below /dashboard/ and /portal/<project>/, behind any prefix.
  base: './',
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline, so that the Content-Security-Policy can stay strict.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What counts is the first load, below.
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        // Pages are all called page.tsx, in folders of their names.
        chunkFileNames: ({ name, facadeModuleId }) =>
          `assets/${name === 'page' ? basename(dirname(facadeModuleId)) : name}-[hash].js`,
      },
      onLog: (level, log, handle) => {
        // `use client` means nothing where there is no server that renders.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  plugins: [firstLoadLimit({ kilobytes: 250 })],
  server: {
    proxy: { '/v1': API_URL, '/dashboard/session': API_URL, '/docs': API_URL },
    // The guides, of which the dashboard shows parts.
    fs: { allow: ['..'] },
  },
});
