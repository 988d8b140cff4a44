import { spawn } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

// npm run bench [-- hub provider consumer]: every workspace's benchmark one after the other, as the README's tables.
// npm run bench -- --year [--json]: what every command, page and start takes after a year (year.mjs).

const root = fileURLToPath(new URL('..', import.meta.url))
const number = (value) =>
  typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 2 }) : '–'

/** What the figures of each workspace are called, in the order of the table. */
const tables = {
  hub: (d) => [
    ['Channels cleared a second, durable, SQLite', number(d.sqlite?.clearedPerSecond)],
    ['Channels cleared a second, durable, PostgreSQL', number(d.postgres?.clearedPerSecond)],
    [
      'At 10,000/s over 1,000 connections, SQLite: p50, p99',
      `${number(d.sqlite?.p50Ms)} ms, ${number(d.sqlite?.p99Ms)} ms`,
    ],
    [
      'At 10,000/s over 1,000 connections, PostgreSQL: p50, p99',
      `${number(d.postgres?.p50Ms)} ms, ${number(d.postgres?.p99Ms)} ms`,
    ],
    ...['sqlite', 'postgres'].map((name) => [
      `At half of what it can do over 1,000 connections, ${name === 'sqlite' ? 'SQLite' : 'PostgreSQL'}: a second, p99`,
      `${number(d[name]?.halfLoad?.perSecond)}, ${number(d[name]?.halfLoad?.p99Ms)} ms`,
    ]),
    ...Object.entries(d.microsecondsPerClear ?? {}).map(([count, µs]) => [
      `Processor time of a clear with ${number(Number(count))} channels in the ledger`,
      `${number(µs)} µs`,
    ]),
    ...Object.entries(d.connections ?? {}).map(([count, rate]) => [
      `Cleared a second over ${number(Number(count))} connections`,
      number(rate),
    ]),
    ['Signers recovered a second on one core, as here', number(d.nativeRecoverPerSecond)],
    ['Signers recovered a second on one core, by ethers', number(d.ethersRecoverPerSecond)],
  ],
  provider: (d) => [
    ['Micro-promises accepted a second and core, durable', number(d.acceptedPerSecondPerCore)],
    [
      'Signers recovered a second on one core: native, ethers, wallet-core',
      [d.nativeRecoverPerSecond, d.ethersRecoverPerSecond, d.walletCoreRecoverPerSecond]
        .map(number)
        .join(', '),
    ],
    [
      'From a megabyte metered to its promise accepted: p50, p99',
      `${number(d.meteredToAcceptedMs?.p50)} ms, ${number(d.meteredToAcceptedMs?.p99)} ms`,
    ],
    ['Throughput with payments, as a share of without', number(d.throughputRatio)],
    [
      'Forwarded unpaid when payments stop, of the credit',
      `${number(d.unpaidBytesAtStop)} of ${number(d.creditBytes)} bytes`,
    ],
    [
      'A tunnel by UDP; by wss down, up; a ping meanwhile',
      `${number(d.carriers?.udpMbit)}; ${number(d.carriers?.wssDownMbit)}, ${number(d.carriers?.wssUpMbit)} Mbit/s; ${number(d.carriers?.loadedLatencyMs)} ms`,
    ],
    [
      'Twenty sessions at once by wss, each: least, median, most',
      `${number(d.carriers?.wssShared?.leastMbit)}, ${number(d.carriers?.wssShared?.medianMbit)}, ${number(d.carriers?.wssShared?.mostMbit)} Mbit/s`,
    ],
    ['By wss at 50 ms and 0.5 % of loss, as a share of a plain download', number(d.carriers?.wssLossyRatio)],
    ...Object.entries(d.peers ?? {}).map(([count, ms]) => [
      `With ${number(Number(count))} peers: a look at all, one more, one suspended`,
      `${number(ms?.tickMs)} ms, ${number(ms?.admitMs)} ms, ${number(ms?.suspendMs)} ms`,
    ]),
  ],
  consumer: (d) => [
    ['From connect to the first byte through the tunnel', `${number(d.connectMs?.local)} ms`],
    ['The same where the node of the chain is 80 ms away', `${number(d.connectMs?.rpc80)} ms`],
    ['The same through a service that runs', `${number(d.connectMs?.service)} ms`],
    ['From TAB to its answer, as installed', `${number(d.completionMs)} ms`],
    ['Start of any command, as installed', `${number(d.startMs)} ms`],
    ['From close to the tokens back', `${number(d.closeToTokensMs)} ms`],
    [
      'Past the cap, short of the cap, at most',
      `${number(d.cap?.maxOverBytes)}, ${number(d.cap?.maxUnderBytes)} bytes in ${number(d.cap?.runs)} runs`,
    ],
    ['Packets that leaked', number(d.leakedPackets)],
    [
      'A program of exec without root, with root',
      `${number(d.execMbit?.withoutRoot)}, ${number(d.execMbit?.withRoot)} Mbit/s`,
    ],
  ],
}

const chosen = process.argv.slice(2)
if (chosen.includes('--year')) process.exit(await year(chosen.filter((word) => word !== '--year')))
const wrong = chosen.filter((name) => !(name in tables))
if (wrong.length > 0) {
  process.stderr.write(
    `There is no benchmark of ${wrong.join(', ')}. These are: ${Object.keys(tables).join(' ')}\n`,
  )
  process.exit(2)
}

process.stdout.write(
  `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}\n`,
)
for (const [workspace, rows] of Object.entries(tables)) {
  if (chosen.length > 0 && !chosen.includes(workspace)) continue
  const text = await printed(workspace)
  if (text === undefined) {
    process.exitCode = 1
    continue
  }
  const lines = rows(JSON.parse(text)).map(([what, value]) => `| ${what} | ${value} |`)
  process.stdout.write(`\n| ${workspace} | |\n| --- | --- |\n${lines.join('\n')}\n`)
}

/** Runs in a world of its own, which no other program of this machine sees. @returns Its exit code */
function year(words) {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL('year.mjs', import.meta.url))
    const child = spawn('bash', ['scripts/world', process.execPath, script, ...words], {
      cwd: root,
      stdio: 'inherit',
    })
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

/** The one object that a workspace's benchmark prints; undefined when it fails, which it says itself. */
function printed(workspace) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '-s', 'bench', '-w', workspace, '--', '--json'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const parts = []
    child.stdout.on('data', (data) => parts.push(data))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(parts).toString('utf8'))
      else {
        process.stderr.write(`The benchmark of ${workspace} ended with ${code}.\n`)
        resolve(undefined)
      }
    })
  })
}
