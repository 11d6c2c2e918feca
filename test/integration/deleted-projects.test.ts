import { newId } from '../../src/contracts/ids';
import { toPayload } from '../../src/domain/json-text';
import { disableWebhook } from '../../src/store/change-webhook';
import { deleteProject, deleteSomeOf } from '../../src/store/delete-project';
import { newEvent } from '../../src/store/new-event';
import { makeWebhook } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { useStack } from '../support/use';

const stack = useStack();

/** How many documents there are of a project. */
async function left(projectId: string): Promise<Record<string, number>> {
  const { projects, couriers, events, deliveries } = stack.store;
  return {
    projects: await projects.model.countDocuments({ _id: projectId }),
    couriers: await couriers.model.countDocuments({ _id: projectId }),
    events: await events.model.countDocuments({ projectId }),
    deliveries: await deliveries.model.countDocuments({ projectId }),
  };
}
const nothing = { projects: 0, couriers: 0, events: 0, deliveries: 0 };

/** As if that had been a while ago. */
const letTimePass = (projectId: string) =>
  stack.store.projects.model.updateOne({ _id: projectId }, { emptiedAt: new Date(0) });

describe.each(WAYS)('a deleted project, dispatched %s,', (dispatch) => {
  it('leaves nothing of what was accepted while it was being deleted', async () => {
    const { id, client } = await stack.project({ dispatch });
    const { events, deliveries, projects } = stack.store;
    const insert = events.insert.bind(events);
    // Known to the API, which reads the body meanwhile.
    jest.spyOn(events, 'insert').mockImplementationOnce(async (event) => {
      expect(await deleteProject(stack.store, id)).toBe(true);
      return insert(event);
    });
    const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    expect(posted.status).toBe(202);
    // As a plan does that has read its webhooks before.
    await deliveries.model.create({
      _id: newId('delivery'),
      projectId: id,
      eventId: posted.body.data.id as string,
      webhookId: newId('webhook'),
      eventType: 'email.sent',
      status: 'skipped',
      createdAt: new Date(),
      expiresAt: new Date(Date.now() + 86_400_000),
    });
    await stack.reconcile();
    expect(await left(id)).toMatchObject({ projects: 1, deliveries: 1 });
    expect(await projects.get(id)).toBeNull();
    expect((await stack.admin.delete(`/v1/projects/${id}`)).status).toBe(404);
    await letTimePass(id);
    await eventually('nothing is left', async () => {
      await stack.reconcile();
      return Object.values(await left(id)).every((count) => count === 0);
    });
  });

  it('leaves nothing of what a process stores that was suspended for long', async () => {
    const { id } = await stack.project({ dispatch });
    const { store } = stack;
    const project = (await store.projects.get(id))!;
    await deleteProject(store, id);
    await letTimePass(id);
    await deleteSomeOf(store, id);
    expect(await left(id)).toEqual(nothing);
    const event = { type: 'email.sent', data: toPayload(emailSent) };
    await store.events.insert(newEvent(project, event, 1, dispatch === 'express'));
    await eventually('nothing is left', async () => {
      await stack.reconcile();
      return Object.values(await left(id)).every((count) => count === 0);
    });
  });
});

describe('a deleted project', () => {
  /** The collections in which anything names it. */
  async function named(projectId: string): Promise<string[]> {
    const collections = await stack.store.projects.model.db.listCollections();
    const found = await Promise.all(
      collections.map(async ({ name }) => {
        const all = await stack.store.projects.model.db.collection(name).find().toArray();
        return JSON.stringify(all).includes(projectId) ? [name] : [];
      }),
    );
    return found.flat().toSorted();
  }

  it('leaves nothing in any collection, whatever is stored for it later, but its audit entries', async () => {
    const { id } = await stack.project();
    expect((await stack.admin.delete(`/v1/projects/${id}`)).status).toBe(200);
    expect(await named(id)).toEqual(['audit', 'projects']);
    const { projects, couriers, audit } = stack.store;
    const owned = Object.values(projects.model.db.models).filter(
      ({ schema }) => schema.path('projectId') && schema !== audit.model.schema,
    );
    for (const { collection } of owned) {
      await collection.insertOne({ _id: newId('event') as never, projectId: id });
    }
    await couriers.model.create({ _id: id, shift: 1 });
    const names = owned.map(({ collection }) => collection.name);
    expect(await named(id)).toEqual([...names, 'audit', 'couriers', 'projects'].toSorted());
    await letTimePass(id);
    expect(await deleteSomeOf(stack.store, id)).toBe(false);
    expect(await named(id)).toEqual(['audit']);
  });

  it('leaves no event type that was being defined', async () => {
    const { id, client } = await stack.project({ profile: 'custom' });
    const { eventTypes } = stack.store;
    const put = eventTypes.put.bind(eventTypes);
    // Known to the API, which reads the body meanwhile.
    jest.spyOn(eventTypes, 'put').mockImplementationOnce(async (...type) => {
      expect(await deleteProject(stack.store, id)).toBe(true);
      return put(...type);
    });
    const type = { description: 'Paid.', schema: { type: 'object' }, sample: {} };
    expect((await client.send('PUT', '/v1/event-types/order.paid', type)).status).toBe(404);
    expect(await named(id)).not.toContain('eventTypes');
  });

  it('writes its owner no mail about a webhook that is disabled before it is deleted', async () => {
    const { store } = stack;
    const ownerEmail = 'owner@customer.example';
    const { id, client } = await stack.project({ profile: 'custom', ownerEmail });
    const webhook = await makeWebhook(client, 'https://example.com/hooks');
    // As a worker has read it.
    const project = (await store.projects.get(id))!;
    expect(await deleteProject(store, id, 0)).toBe(true);
    const failed = { minFailures: 0, failedFrom: new Date() };
    const how = { ...failed, reason: 'gone', isMailed: true } as const;
    expect(await disableWebhook(store, project, webhook.id, how)).not.toBeNull();
    expect(await named(id)).toContain('endings');
    expect(await named(id)).not.toContain('mails');
    await eventually('all is deleted', async () => {
      await stack.reconcile();
      return (await named(id)).join() === 'audit,projects';
    });
  });
});
