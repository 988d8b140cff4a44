import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Path of a worker's built code: a thread runs JavaScript only, also where a test runner runs the sources.
 *
 * @param from - `import.meta.url` of the module that starts it.
 * @param name - Of the built file beside that module, such as `./signerWorker.js`.
 */
export function workerFile(from: string, name: string): string {
  const beside = fileURLToPath(new URL(name, from))
  const path = existsSync(beside) ? beside : beside.replace('/src/', '/dist/')
  if (!existsSync(path)) throw new Error(`${path} is missing. Build the program first: npm run build.`)
  return path
}
