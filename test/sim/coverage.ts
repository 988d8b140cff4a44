import { type Profiler, Session } from 'node:inspector/promises'

const session = new Session()

/** Has every branch counted from now on. */
export async function beginCoverage(): Promise<void> {
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}

const rooms = /\/((?:hub|provider|consumer)\/dist\/(?:core|app))\/(.+)\.js$/

/** Which share of the branches in each program's core and app was taken, and the files with the most that were not. */
export async function reached(): Promise<string[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const found = new Map<string, { taken: number; all: number; files: [name: string, missed: number][] }>()
  for (const { url, functions } of result) {
    const [, room = '', name = ''] = rooms.exec(url) ?? []
    if (room === '') continue
    const branches = functions.flatMap(({ ranges }: Profiler.FunctionCoverage) => ranges)
    const taken = branches.filter(({ count }) => count > 0).length
    const known = found.get(room) ?? { taken: 0, all: 0, files: [] }
    known.files.push([name, branches.length - taken])
    found.set(room, { taken: known.taken + taken, all: known.all + branches.length, files: known.files })
  }
  return [...found].sort().flatMap(([room, { taken, all, files }]) => {
    const missed = files.sort((a, b) => b[1] - a[1]).filter(([, count]) => count > 0)
    const worst = missed.slice(0, 10).map(([name, count]) => `${name} (${count})`)
    return [
      `${room}: ${((100 * taken) / all).toFixed(1)} % of ${all} branches of loaded files`,
      `  not taken: ${worst.join(', ')}`,
    ]
  })
}
