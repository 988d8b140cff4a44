import { chromium } from 'playwright-core'
import { readPageFiles } from '../../shared/dist/node/pages/pageFiles.js'
import { servePages } from '../../shared/dist/node/pages/servePages.js'

// How soon a page is seen, what a day does to one that is left open, and how a long list scrolls: npm run -s memory:pages -w test [UPDATES]
// The pages are the built ones, in a real browser; what they hear is made here, as fast as they draw it.

const updates = Number(process.argv[2] ?? 86_400)
const sessions = 1_000
const scrollSeconds = 5

/** Takes the place of the browser's stream and clock: each update is a second later, and some are drawn in one frame. */
const fastForward = `
  let ahead = 0
  const { now } = Date
  Date.now = () => now() + ahead
  const streams = []
  window.EventSource = class { constructor() { streams.push(this) } close() {} }
  window.say = (data) => streams.at(-1).onmessage({ data })
  window.hear = async (count, of, perFrame = 1) => {
    const make = new Function('second', 'at', of)
    for (let second = 0; second < count; second++) {
      ahead += 1000
      say(JSON.stringify(make(second, Date.now())))
      if (second % perFrame === 0) await new Promise((resolve) => requestAnimationFrame(resolve))
    }
    return count
  }
`

const consumerLive = `
  const used = String(second * 1e12)
  return {
    schema: 1, state: 'connected', killSwitch: true, lockdown: 'off', problems: [], netns: null, allowLan: false, gateway: [],
    rootless: false, beside: [], provider: '0x' + '1'.repeat(40), downBytes: second * 3e5, upBytes: second * 4e4,
    lendings: [], exits: [],
    live: {
      bytesPerSecond: 3.4e5, spentWei: used, latencyMs: 20, carrier: 'udp', proxy: null, postQuantum: true, reason: null,
      serving: { country: 'DE', price: { perMegabyte: '50000000000000', perHour: '0' }, sinceMs: at - second * 1000 },
      allowances: { channel: { used, left: '5000000000000000000' } },
    },
  }`
const providerLive = `
  const session = (index) => ({
    session: 'session-' + index, consumer: '0x' + String(index).padStart(40, '0'), startedAt: 1700000000, phase: 'open',
    downBytes: String(second * 1000 + index), upBytes: String(second * 100), owed: String(index * 1e12), promised: String(index * 1e12),
  })
  return {
    schema: 1, running: true, retiring: false, faults: [], gasCoins: '1000000000000000000',
    limits: { total: 'none', session: 'none' }, sessions: Array.from({ length: ${sessions} }, (_, index) => session(index)),
  }`

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  chromiumSandbox: false,
  args: ['--disable-gpu', '--no-first-run', '--disable-background-networking'],
})
try {
  for (const program of ['consumer', 'provider', 'hub']) await paintOf(program)
  await memoryOf('consumer', consumerLive, updates, 20)
  await memoryOf('provider', providerLive, Math.ceil(updates / 100), 1)
  await scrollOf()
} finally {
  await browser.close()
}

/** A page of a program that hears only what it is given. */
async function open(program) {
  const served = await servePages(0, {
    files: await readPageFiles(new URL(`../../${program}/dist/main.js`, import.meta.url).href),
    live: async () => ({}),
    reads: {},
    deeds: {},
  })
  const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } })
  const faults = []
  page.on('pageerror', (error) => faults.push(error.stack))
  await page.addInitScript(fastForward)
  await page.route('**/read/*', (route) =>
    route.fulfill({ json: { error: { code: 'none', message: 'Not here.', cure: null } } }),
  )
  await page.goto(served.link('act'))
  return { page, faults, close: () => Promise.all([page.close(), served.close()]) }
}

/** From a link that is opened to the first thing that is seen. */
async function paintOf(program) {
  const { page, close } = await open(program)
  const after = await page.waitForFunction(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  )
  console.log(`${program}: first paint after ${(await after.jsonValue()).toFixed(0)} ms`)
  await close()
}

async function memoryOf(program, live, count, perFrame) {
  const { page, faults, close } = await open(program)
  const meter = await page.context().newCDPSession(page)
  await meter.send('Performance.enable')
  const measured = async () => {
    for (let turn = 0; turn < 3; turn++) await meter.send('HeapProfiler.collectGarbage')
    const { metrics } = await meter.send('Performance.getMetrics')
    const of = (name) => metrics.find((each) => each.name === name).value
    return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') }
  }
  // What is kept once is no growth: two minutes of a curve, code that was compiled.
  const hear = (many) => page.evaluate((given) => window.hear(...given), [many, live, perFrame])
  await hear(Math.ceil(count / 10))
  const before = await measured()
  await hear(count)
  const after = await measured()
  const grown = (name) => after[name] - before[name]
  console.log(
    `${program}: ${count} updates: heap ${kilobytes(before.heap)} kB, ${signed(kilobytes(grown('heap')))} kB; nodes ${signed(grown('nodes'))}, listeners ${signed(grown('listeners'))}`,
  )
  if (faults.length > 0) throw new Error(faults.join('\n'))
  await close()
}

/** Scrolls through the provider's list while it is told once a second how things stand, and through an empty page as long. */
async function scrollOf() {
  const { page, faults, close } = await open('provider')
  await page.evaluate((of) => window.hear(1, of), providerLive)
  await page.getByRole('link', { name: 'Sessions', exact: true }).click()
  await page.getByRole('cell', { name: /^0x/ }).first().waitFor()
  const long = await page.evaluate(scroll, [providerLive, scrollSeconds])
  if (!long.ending.endsWith(`0${sessions - 1}`) || faults.length > 0)
    throw new Error(`The list ends with "${long.ending}". ${faults.join('\n')}`)
  const height = await page.evaluate(() => {
    const before = document.documentElement.scrollHeight
    scrollTo(0, 0)
    document.body.replaceChildren()
    document.body.style.height = `${before}px`
    return before
  })
  const empty = await page.evaluate(scroll, [undefined, scrollSeconds])
  console.log(`${sessions} sessions, ${height} px: ${smoothness(long)}; at most ${long.most} rows drawn`)
  console.log(`an empty page as long: ${smoothness(empty)}`)
  await close()
}

/** In the page: scrolls to the end evenly, counts the frames, and hears an update each second. */
async function scroll([of, seconds]) {
  const updates = []
  if (of !== undefined) {
    const make = new Function('second', 'at', of)
    for (let second = 0; second < seconds; second++)
      updates.push(JSON.stringify(make(second + 2, Date.now() + second * 1_000)))
  }
  const times = []
  let most = 0
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
  const begun = await frame()
  for (let gone = 0; gone < seconds * 1_000; gone = (times.at(-1) ?? begun) - begun) {
    if (updates.length > 0 && gone > 1_000 * (seconds - updates.length)) window.say(updates.shift())
    const { scrollHeight, clientHeight } = document.documentElement
    scrollTo(0, ((scrollHeight - clientHeight) * gone) / (seconds * 1_000))
    times.push(await frame())
    most = Math.max(most, document.querySelectorAll('tbody tr').length)
  }
  scrollTo(0, document.documentElement.scrollHeight)
  await frame()
  const ending = [...document.querySelectorAll('tbody tr td:first-child span')].at(-1)?.title ?? ''
  return { gaps: times.map((at, index) => at - (times[index - 1] ?? begun)), most, ending }
}

/** A frame is due 60 times a second; one that comes later was missed at least once. */
function smoothness({ gaps }) {
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1_000
  const late = gaps.filter((gap) => gap > 17).length
  return `${gaps.length} frames in ${seconds.toFixed(1)} s (${(gaps.length / seconds).toFixed(1)} a second), ${late} later than 17 ms, the longest ${Math.max(...gaps).toFixed(0)} ms`
}

function kilobytes(bytes) {
  return Math.round(bytes / 1_000)
}
function signed(number) {
  return number > 0 ? `+${number}` : `${number}`
}
