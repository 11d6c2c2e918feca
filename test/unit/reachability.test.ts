import { whyNotListening } from '../../src/reachability';
import { StartError } from '../../src/start-error';

describe('an address to listen on', () => {
  it.each(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])(
    'that the machine does not have (%s) is told in one line, with its setting',
    (code) => {
      const error = Object.assign(new Error(`listen ${code}`), { code });
      const settings = { host: 'HOST', port: 'PORT' };
      const told = whyNotListening(error, { host: '::', port: 8080 }, settings);
      expect(told).toBeInstanceOf(StartError);
      expect(told.message).toBe(
        `HOST: :: is not an address of this machine (${code}); set one of its addresses, 127.0.0.1, or 0.0.0.0 for all`,
      );
    },
  );
});
