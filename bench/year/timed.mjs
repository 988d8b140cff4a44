import { spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { programPath } from '../../test/dist/world/index.js'

const runs = 3
/** Nobody waits longer than that to learn that it is too long. */
const giveUpMs = 20_000
/** What takes that long is no matter of noise: once is enough. */
const onceMs = 3_000

/** The least of three: others use the machine, too. @param work - Gives the milliseconds that it took. */
export async function least(work) {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs && (run === 0 || best < onceMs); run++) best = Math.min(best, await work())
  return Math.round(best)
}

/**
 * Milliseconds from starting a command to its end; what it prints goes nowhere.
 *
 * @param codes - Exit codes beside 0 that are answers.
 * @throws Error where it fails, with what it said.
 */
export function commandMs({ host }, program, words, codes = []) {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn('ip', ['netns', 'exec', host.netns, programPath(program), ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, HOME: host.home },
      cwd: host.home,
      timeout: giveUpMs,
      killSignal: 'SIGKILL',
    })
    let said = ''
    child.stderr.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0 || codes.includes(code) || signal === 'SIGKILL') resolve(performance.now() - began)
      else reject(new Error(`${program} ${words.join(' ')} ended with ${code ?? signal}: ${said}`))
    })
  })
}

/**
 * Milliseconds until a page is there, asked for from the machine that serves it.
 *
 * @throws Error where the answer is not 200.
 */
export async function pageMs({ host }, url, headers = {}) {
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const format = '%{http_code} %{time_total} %{size_download}'
  const { stdout } = await host.run(
    ['curl', '-sk', '-m', `${giveUpMs / 1_000}`, '-o', '/dev/null', '-w', format, ...flags, url],
    { timeoutMs: 2 * giveUpMs },
  )
  const [code, seconds] = stdout.trim().split(' ')
  if (code !== '200') throw new Error(`${url} answered with ${code} after ${seconds} s.`)
  return Number(seconds) * 1_000
}

/** Reads of a program's pages for its owner. */
export async function readsMs(person, program, names) {
  const pages = person.start(['ui', '--json', '--no-open'])
  try {
    const [, link] = await pages.line(/"link":"([^"]+)"/)
    const { stdout } = await person.host.run(['curl', '-s', '-i', link])
    const cookie = /set-cookie: ([^;]+)/i.exec(stdout)?.[1]
    const word = /#visit=(\S+)/.exec(stdout)?.[1]
    if (cookie === undefined || word === undefined) throw new Error(`${program} ui let nobody in: ${stdout}`)
    const took = {}
    for (const name of names)
      took[`ui ${name}`] = await least(() =>
        pageMs(person, new URL(`/read/${name}`, link).href, { cookie, 'pontage-visit': word }),
      )
    return took
  } finally {
    await pages.stop()
  }
}
