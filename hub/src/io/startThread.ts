import { Worker } from 'node:worker_threads'
import { workerFile } from '@pontage/shared/node'

/** What it works on is gone a moment later: room for more of it, which V8 would take, holds nothing but waste. */
const resourceLimits = { maxYoungGenerationSizeMb: 6 }

/**
 * Starts a thread of this program.
 *
 * @param from - `import.meta.url` of whoever starts it.
 * @param name - Its built file, from there.
 * @param workerData - What it is given.
 */
export const startThread = (from: string, name: string, workerData: unknown): Worker =>
  // Flags of this process, such as those of a script given in its command line, are not the thread's.
  new Worker(workerFile(from, name), { workerData, execArgv: [], resourceLimits })
