import { logIdentityOf } from '../../src/bus/layout.ts';
import { NatsTrimMarks } from '../../src/bus/nats-trim-marks.ts';
import { changeMark, genesisMark } from '../../src/bus/trim-marks.ts';
import { subjects as subjectsOf } from '../../src/protocol/subjects.ts';
import { natsShardLog } from '../../src/workers/shard/nats-ports.ts';
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
      const info = await system.jsm.streams.add({ name, subjects: filters, allow_direct: true });
      // Without a mark a log is not read from its beginning: nothing would say what was trimmed.
      await system.jsm.streams.add({
        name: subjects.streams.marks,
        subjects: [subjects.allTrimMarks],
        max_msgs_per_subject: 1,
      });
      const marks = new NatsTrimMarks(system.jsm, subjects);
      for (const shard of [0, 1])
        await changeMark(marks, shard, (mark) => mark ?? { ...genesisMark(logIdentityOf(info)), made: true });
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
