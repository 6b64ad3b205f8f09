import type { Command } from 'commander';
import { EXIT } from '../../lib/program/exit.ts';
import { defined } from '../../protocol/defined.ts';
import type { ConfigInput } from '../../workers/config.ts';
import type { Call, Run } from '../call.ts';
import { setting } from '../global-options.ts';
import { Interruption } from '../interruption.ts';
import { endOnFault, untilEnded, untilReady, type WorkerSummary, workerSummary } from '../running-workers.ts';
import { aligned } from '../text.ts';

interface WorkerOptions {
  readonly id?: string;
  readonly logLevel?: ConfigInput['logLevel'];
  readonly httpPort?: number;
}

export function addWorker(program: Command, run: Run): void {
  program
    .command('worker')
    .description('run one worker until it is stopped; logs are JSON lines on stderr')
    .addOption(setting('--id <id>', 'name of the worker (default: a new one)', 'workerId'))
    .addOption(setting('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent', 'logLevel'))
    .addOption(
      setting(
        '--http-port <port>',
        'port of /livez, /readyz and /metrics; 0: a free one, -1: none',
        'httpPort',
      ),
    )
    .action((options: WorkerOptions, command: Command) => run(command, (call) => work(call, options)));
}

async function work(call: Call, { id, logLevel, httpPort }: WorkerOptions): Promise<number> {
  const config = call.config({
    ...defined({ workerId: id, logLevel, httpPort }),
  });
  const { startWorker } = await import('../../workers/process/worker.ts');
  const logger = await call.logger(config.logLevel);
  endOnFault(logger);
  const interruption = new Interruption();
  try {
    const worker = await startWorker(config, { logger });
    try {
      const reasons = await untilReady([worker], interruption.signal);
      if (reasons.length > 0) logger.warn({ reasons }, 'the worker is not ready');
      const summary = workerSummary(worker);
      if (!interruption.signal.aborted) await call.out.data(summary, () => summaryText(summary));
      await untilEnded([worker], interruption);
    } finally {
      await worker.stop();
    }
    return EXIT.ok;
  } finally {
    interruption[Symbol.dispose]();
  }
}

function summaryText({ id, health, shards }: WorkerSummary): string {
  return aligned([
    ['worker', id],
    ['health', health ?? 'none'],
    ['shards', shards.join(' ')],
  ]);
}
