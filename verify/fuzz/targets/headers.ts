/** Headers of dead letters: whatever a subject, a reason or a body holds, they can be sent and stay one line each. */
import { headers } from 'nats';
import { subjects } from '../../../src/protocol/subjects.ts';
import { deadLetterMessage } from '../../../src/workers/shard/nats-ports.ts';
import { mutatedBytes } from '../mutate/bytes.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must } from '../oracle.ts';
import type { Target } from './target.ts';

const SUBJECTS = subjects();
const MAX_HEADER_BYTES = 1_200;

export const headersTarget: Target = {
  name: 'headers',
  share: 0.02,
  trial(random) {
    const tail = Buffer.from(
      mutatedBytes(Buffer.from(`work.ann.${nastyText(random)}`), random.integer(3), random),
    );
    const message = {
      seq: 1 + random.integer(1_000_000),
      at: 0,
      subject: `converge.decisions.${random.integer(1_024)}.${tail.toString('latin1')}`,
      data: Buffer.alloc(random.chance(0.01) ? 600_000 : random.integer(100)),
    };
    const reason = nastyText(random);
    return {
      input: Buffer.from(JSON.stringify({ subject: message.subject, reason })),
      run: () => {
        const sent = deadLetterMessage(SUBJECTS, { seq: message.seq, reason }, message);
        const all = headers();
        all.set('Nats-Msg-Id', sent.id ?? '');
        for (const [name, value] of Object.entries(sent.headers ?? {})) all.set(name, value);
        const size = [...all].reduce(
          (sum, [name, values]) => sum + name.length + values.join('').length + 4,
          0,
        );
        must(size <= MAX_HEADER_BYTES, `headers of ${size} bytes`);
        must(sent.payload.length <= 512 * 1_024, 'a body that no server takes');
        must(/^converge\.deadletters\.\d{1,4}$/.test(sent.subject), `subject ${sent.subject}`);
      },
    };
  },
};
