import type { CommandOrder, RunningCommand } from './startCommand.js'
import { startCommand } from './startCommand.js'

// The process of commandsAside.ts: orders come in, each with a number, and numbers alone of what is to be stopped.
const running = new Map<number, RunningCommand>()

// It is there as long as whoever started it, who still has things to undo when everybody is told to end.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit(0))

process.on('message', ({ id, order }: { id: number; order?: CommandOrder }) => {
  if (order === undefined) return running.get(id)?.stop()
  const command = startCommand(order)
  running.set(id, command)
  void command.ended.then((end) => {
    running.delete(id)
    if (process.connected) process.send?.({ id, end })
  })
})
process.send?.('ready')
