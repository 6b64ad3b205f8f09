import { subjects as subjectsOf } from '../../src/protocol/subjects.ts';
import { natsShardLog } from '../../src/workers/nats-ports.ts';
import { useSystem } from '../support/system.ts';
import { shardLogContract } from './shard-log.contract.ts';

const system = useSystem();
let logs = 0;

shardLogContract(
  async () => {
    const subjects = subjectsOf(`log${logs++}`);
    const name = subjects.streams.decisions;
    const create = async (): Promise<void> => {
      const filters = [subjects.shardLog(0), subjects.shardLog(1)];
      await system.jsm.streams.add({ name, subjects: filters, allow_direct: true });
    };
    await create();
    let appended = 0;
    return {
      log: natsShardLog(system.nats, system.jsm, subjects, 0),
      async append(count, shard = 0) {
        const subject = subjects.shardDecision(shard, 'ann', 'p');
        for (let i = 0; i < count; i++) await system.nats.request(subject, `m${++appended}`);
      },
      async recreate() {
        await system.jsm.streams.delete(name);
        await create();
      },
    };
  },
  (close) => system.onEndOfTest(close),
);
