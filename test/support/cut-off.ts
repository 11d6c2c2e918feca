import type { Stack } from './stack';

/** Asks for a project's deletion, and cuts it off behind the first step: it is as if it were gone. */
export async function deleteCutOff({ store, admin }: Stack, reference: string): Promise<void> {
  const spy = jest.spyOn(store.events.model, 'deleteMany');
  spy.mockRejectedValueOnce(new Error('died'));
  expect((await admin.delete(`/v1/projects/${reference}`)).status).toBe(500);
  spy.mockRestore();
}
