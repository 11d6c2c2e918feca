import { emailSent } from './samples';
import type { Stack } from './stack';
import { useFreshClient, useFreshReceiver, useStack } from './use';

/** A stack of these settings, and for each test a receiver, and a project whose events are dispatched express. */
export function useExpress(settings?: Record<string, string>) {
  const stack = useStack(settings);
  const receiver = useFreshReceiver();
  const client = useFreshClient(stack, { dispatch: 'express' });

  const withStatus = async (status: string): Promise<{ id: string }[]> =>
    (await client.get(`/v1/deliveries?status=${status}&limit=100`)).body.data.deliveries;
  const batch = (count: number): Promise<unknown> =>
    client.post('/v1/events/batch', {
      events: Array.from({ length: count }, (_, n) => ({
        type: 'email.sent',
        data: { ...emailSent, emailId: `em_${n}` },
      })),
    });
  const post = (n: number): Promise<unknown> =>
    client.post('/v1/events', { type: 'email.sent', data: { ...emailSent, emailId: `em_${n}` } });
  /** The numbers of the events, in the order in which they were sent: on their connections they may overtake each other. */
  const sentBy = (send: jest.SpyInstance<unknown, Parameters<Stack['sender']['send']>>): number[] =>
    send.mock.calls
      .filter(([{ url }]) => url.startsWith(receiver.url))
      .map(([{ body }]) => Number(/"em_(\d+)"/.exec(String(body))![1]));
  return { stack, receiver, client, withStatus, batch, post, sentBy };
}
