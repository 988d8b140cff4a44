/**
 * Plants faults in the contracts, one at a time in a scratch copy, and runs the tests on each: a fault that no test
 * notices is a test that is missing. Takes most of an hour, so it is no part of continuous integration.
 *
 *   npm run -s mutants -w channel-contracts -- --json [--only TEXT] [--every N [--from M]]
 *
 * --every 3 --from 1 plants the second of each three. Faults that change nothing anybody could see are listed with the reason in mutants.equivalent.json.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { binary, workspace } from './binary.mjs'
import { mutationsOf } from './mutations.mjs'
import { createCompiler } from './scratchCompiler.mjs'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
})

/** Code without optimiser compiles quickly, and behaves the same. */
const unoptimised = { FOUNDRY_PROFILE: 'default', FOUNDRY_OPTIMIZER: 'false', FOUNDRY_DENY: 'never' }
const quick = { FOUNDRY_FUZZ_RUNS: '32', FOUNDRY_INVARIANT_RUNS: '1', FOUNDRY_INVARIANT_DEPTH: '16' }

/** Sources without behaviour of their own. */
const passedOver = /^src\/(interfaces\/|TestToken\.sol)/
const equivalents = JSON.parse(readFileSync(join(workspace, 'script/mutants.equivalent.json'), 'utf8'))
const reasons = new Map(equivalents.flatMap(({ reason, faults }) => faults.map((fault) => [fault, reason])))

const scratch = mkdtempSync(join(tmpdir(), 'pontage-mutants-'))
let running
let lastOutput = ''
process.on('exit', () => {
  running?.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
const copy = layOut()

say('The tests without a fault …')
if ((await test({})) !== 'passed' || (await test(quick, '--dynamic-test-linking')) !== 'passed') {
  console.error(`${lastOutput}\nThe tests fail without any fault. Mend that first.`)
  process.exit(1)
}

const compiler = createCompiler(copy)
const files = readdirSync(join(copy, 'src'), { recursive: true })
  .map((file) => join('src', file))
  .filter((file) => file.endsWith('.sol') && !passedOver.test(file))
  .sort()
const faults = files
  .flatMap((file) => mutationsOf(file, readFileSync(join(copy, file), 'utf8')))
  .filter(({ name }) => name.includes(flags.only))
  .filter((_, index) => index % Number(flags.every) === Number(flags.from))
const result = { planted: 0, caught: 0, missed: [], equivalent: 0, notCompiling: 0 }
for (const [index, fault] of faults.entries()) {
  const verdict = reasons.has(fault.name) ? 'equivalent' : await judge(fault)
  if (verdict === 'equivalent') result.equivalent++
  else if (verdict === 'not compiling') result.notCompiling++
  else {
    result.planted++
    if (verdict === 'caught') result.caught++
    else result.missed.push(fault.name)
  }
  say(`${index + 1}/${faults.length} ${verdict}: ${fault.name} (line ${fault.line})`)
}

if (flags.json) console.log(JSON.stringify(result))
else {
  for (const name of result.missed) console.log(`missed: ${name}`)
  console.log(`${result.planted} faults planted, ${result.caught} caught, ${result.missed.length} missed`)
}
if (result.missed.length > 0) process.exitCode = 1

async function judge(fault) {
  const source = readFileSync(join(copy, fault.file), 'utf8')
  const faulty = source.slice(0, fault.start) + fault.replacement + source.slice(fault.end)
  const compiled = compiler.compile({ [fault.file]: faulty })
  if (compiled === undefined) return 'not compiling'
  const untouched = compiled.map(({ contract }) => [artifactOf(contract), readFileSync(artifactOf(contract))])
  try {
    for (const { contract, evm } of compiled) plant(artifactOf(contract), evm)
    if ((await test(quick, '--dynamic-test-linking')) === 'failed') return 'caught'
  } finally {
    for (const [path, artifact] of untouched) writeFileSync(path, artifact)
  }
  // What a few runs overlook, the whole suite may see; and faults in constructors are seen only when tests are
  // linked as usual, since linking late changes what an expected revert ends.
  const path = join(copy, fault.file)
  writeFileSync(path, faulty)
  try {
    return (await test({})) === 'failed' ? 'caught' : 'missed'
  } finally {
    writeFileSync(path, source)
  }
}

function artifactOf(contract) {
  return join(copy, 'linked', `${contract}.sol`, `${contract}.json`)
}

/** Puts other code where the tests find the contract. */
function plant(path, { bytecode, deployedBytecode }) {
  const artifact = JSON.parse(readFileSync(path, 'utf8'))
  artifact.bytecode.object = `0x${bytecode.object}`
  artifact.deployedBytecode.object = `0x${deployedBytecode.object}`
  writeFileSync(path, JSON.stringify(artifact))
}

/** Tests that are linked when they run take the contracts as they find them among the artifacts of that build. */
async function test(runs, linking) {
  const flags = [
    'test',
    '--fail-fast',
    ...(linking ? [linking, '--out', 'linked', '--cache-path', 'linked/cache'] : []),
  ]
  const env = { ...process.env, ...unoptimised, ...runs }
  const forge = spawn(binary('forge'), flags, { cwd: copy, env, timeout: 300_000 })
  running = forge
  const text = []
  forge.stdout.on('data', (part) => text.push(part))
  forge.stderr.on('data', (part) => text.push(part))
  const [code] = await once(forge, 'close')
  running = undefined
  // A fault may make a test run for ever: that is noticed too.
  lastOutput = text.join('')
  return code === 0 ? 'passed' : 'failed'
}

/** A copy of the workspace beside the same packages. @returns Its path. */
function layOut() {
  const root = dirname(workspace)
  const to = join(scratch, relative(root, workspace))
  for (const part of ['src', 'test', 'script', 'foundry.toml', 'package.json'])
    cpSync(join(workspace, part), join(to, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'))
  symlinkSync(join(workspace, 'node_modules'), join(to, 'node_modules'))
  return to
}

function say(text) {
  process.stderr.write(`${text}\n`)
}
