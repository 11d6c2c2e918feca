import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

const stack = useStack(
  { POSTHORN_RATE_LIMIT_PER_MINUTE: '5', POSTHORN_PROJECT_RATE_LIMIT_PER_MINUTE: '3' },
  { worker: false },
);

const shown = ({ headers }: { headers: Headers }): [string | undefined, string | null] => [
  headers.get('ratelimit')?.replace(/, reset=\d+$/, ''),
  headers.get('ratelimit-policy'),
];

describe('the RateLimit header', () => {
  it('shows the limit that refuses first: the project’s, also where it refuses', async () => {
    const { client } = await stack.project();
    const shows: unknown[] = [];
    for (let n = 0; n < 3; n += 1) shows.push(shown(await client.get('/v1/webhooks')));
    expect(shows).toEqual([
      ['limit=3, remaining=2', '3;w=60'],
      ['limit=3, remaining=1', '3;w=60'],
      ['limit=3, remaining=0', '3;w=60'],
    ]);
    // As if a second passed before each look at the clock.
    const now = Date.now.bind(Date);
    let looks = 0;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 1000 * (looks += 1));
    const refused = await client.get('/v1/webhooks').finally(() => clock.mockRestore());
    expectRefusal(refused, 'rate_limited');
    expect(shown(refused)).toEqual(['limit=3, remaining=0', '3;w=60']);
    const reset = /reset=(\d+)/.exec(refused.headers.get('ratelimit')!)![1];
    expect(refused.headers.get('retry-after')).toBe(reset);
  });

  it('shows the key’s where no project is counted', async () => {
    const admin = stack.admin.with({ 'x-project-id': (await stack.project()).id });
    const answer = await admin.get('/v1/webhooks');
    const [limit, policy] = shown(answer);
    expect(limit).toMatch(/^limit=5, remaining=\d$/);
    expect(policy).toBe('5;w=60');
  });
});
