import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

/** Two minutes of a speed in two directions. */
export interface Points {
  /** Seconds since 1970, bytes a second each way. */
  readonly at: readonly number[]
  readonly down: readonly number[]
  readonly up: readonly number[]
}

/** What the lines show, and how. */
export interface Lines {
  readonly names: readonly string[]
  readonly unit: string
  /** A value of the points in that unit. */
  readonly value: (raw: number) => number
}

const traffic: Lines = {
  names: ['Down', 'Up'],
  unit: 'Mbit/s',
  value: (bytes) => (bytes * 8) / 1e6,
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const height = 200
const darkness = matchMedia('(prefers-color-scheme: dark)')
const clock = (seconds: number) => new Date(seconds * 1_000).toTimeString().slice(0, 8)

/** How it is drawn, in the colours that hold now. */
function look(width: number, { names, unit }: Lines): uPlot.Options {
  const axis = { stroke: colour('--soft'), font: '13px sans-serif', ticks: { show: false } }
  const line = (label: string, stroke: string) => ({
    ...{ label, stroke, fill: `${stroke}22`, width: 2 },
    points: { show: false },
  })
  return {
    ...{ width, height, legend: { show: false }, cursor: { show: false } },
    // Half of a time stands right of the last point.
    padding: [null, 32, null, null],
    axes: [
      {
        ...axis,
        ...{ grid: { show: false }, size: 28, space: 70, incrs: [1, 2, 5, 10, 15, 30, 60] },
        values: (_, ticks) => ticks.map(clock),
      },
      {
        ...axis,
        ...{ grid: { stroke: colour('--line'), width: 1 }, size: 84, space: 44 },
        values: (_, ticks) => ticks.map((each) => `${each} ${unit}`),
      },
    ],
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.15)] } },
    series: [{}, ...names.map((name, index) => line(name, colour(index === 0 ? '--down' : '--up')))],
  }
}

/** A curve that runs on while it is looked at. */
export function Curve({
  points,
  label,
  lines = traffic,
}: {
  points: Points
  label: string
  /** Traffic when left out. Made once: a new one draws everything anew. */
  lines?: Lines
}) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const [isDark, setDark] = useState(darkness.matches)
  useEffect(() => {
    const changed = () => setDark(darkness.matches)
    darkness.addEventListener('change', changed)
    return () => darkness.removeEventListener('change', changed)
  }, [])
  useEffect(() => {
    const holder = place.current
    if (holder === null) return
    const made = new uPlot(look(holder.clientWidth, lines), [[], ...lines.names.map(() => [])], holder)
    plot.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height }))
    watch.observe(holder)
    return () => {
      watch.disconnect()
      made.destroy()
    }
  }, [isDark, lines])
  useEffect(() => {
    const values = [points.down, points.up].slice(0, lines.names.length)
    plot.current?.setData([[...points.at], ...values.map((each) => each.map(lines.value))])
  }, [points, isDark, lines])
  return (
    <>
      <div class="legend small soft" aria-hidden="true">
        {lines.names.map((name, index) => (
          <span key={name} class={index === 0 ? '' : 'up'}>
            {name}
          </span>
        ))}
      </div>
      <div class="curve" ref={place} role="img" aria-label={label} />
    </>
  )
}
