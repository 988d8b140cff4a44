import { connectChain, createIdentity, createLog, PrivateKey } from '@pontage/shared/node'
import { startHub } from '../app/hub.js'
import type { Ledger } from '../io/ledger.js'
import { openPostgresLedger } from '../io/postgres/postgresLedger.js'
import { openSqliteLedger } from '../io/sqlite/sqliteLedger.js'
import { chaosSettings, type Death, type VictimOrders } from './orders.fixture.js'

// A hub in a process of its own that dies where it is told to. It is the hub of the program in every line;
// only the ledger and the chain it is given count what passes.

/** Dies at once and without a word, as by a power cut, behind the call that was named. */
function dying(death: Death | undefined): (point: string) => void {
  let left = death?.times ?? 0
  return (point) => {
    if (point === death?.after && --left === 0) process.kill(process.pid, 'SIGKILL')
  }
}

function counted<Target extends object>(
  target: Target,
  prefix: string,
  passed: (point: string) => void,
): Target {
  return new Proxy(target, {
    get(on, name) {
      const member: unknown = Reflect.get(on, name)
      if (name === 'outbox') return counted(member as object, 'outbox.', passed)
      if (typeof member !== 'function') return member
      return async (...given: unknown[]) => {
        const result = await member.apply(on, given)
        passed(`${prefix}${String(name)}`)
        return result
      }
    },
  })
}

async function run({ rpc, deploymentFile, key, ledger: path, death }: VictimOrders): Promise<number> {
  const passed = dying(death)
  const chain = await connectChain({ rpc, deploymentFile, confirmations: 0 })
  const send = chain.rpc.send.bind(chain.rpc)
  chain.rpc.send = async (method, params) => {
    const result = await send(method, params)
    if (method === 'eth_sendRawTransaction') passed('broadcast')
    return result
  }
  const ledger: Ledger = counted(
    await (path.startsWith('postgres:') ? openPostgresLedger(path) : openSqliteLedger(path)),
    '',
    passed,
  )
  const { port } = await startHub({
    chain,
    identity: createIdentity(new PrivateKey(key)),
    ledger,
    host: '127.0.0.1',
    port: 0,
    settings: chaosSettings(),
    log: createLog('hub', 'error'),
  })
  return port
}

// Loaded beforehand, so that a restart costs no more than opening the ledger.
process.once('message', (orders: VictimOrders) => {
  run(orders).then(
    (port) => process.send?.({ port }),
    (error: Error) => {
      process.send?.({ failure: error.stack })
      process.exitCode = 1
    },
  )
})
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
