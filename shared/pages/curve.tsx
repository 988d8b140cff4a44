import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

/** Two minutes of a speed in two directions. */
export interface Points {
  /** Seconds since 1970, bytes a second each way. */
  readonly at: readonly number[]
  readonly down: readonly number[]
  readonly up: readonly number[]
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const megabits = (bytes: number) => (bytes * 8) / 1e6

/** A curve that runs on while it is looked at. */
export function Curve({ points, label }: { points: Points; label: string }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const holder = place.current
    if (holder === null) return
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    }
    const line = (name: string, stroke: string) => ({
      label: name,
      stroke,
      fill: `${stroke}22`,
      width: 2,
      points: { show: false },
    })
    const made = new uPlot(
      {
        width: holder.clientWidth,
        height: 200,
        legend: { show: false },
        cursor: { show: false },
        axes: [
          { ...axis, grid: { show: false } },
          { ...axis, size: 84, values: (_, ticks) => ticks.map((each) => `${each} Mbit/s`), space: 44 },
        ],
        scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.15)] } },
        series: [{}, line('Down', colour('--down')), line('Up', colour('--up'))],
      },
      [[], [], []],
      holder,
    )
    plot.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: 200 }))
    watch.observe(holder)
    return () => {
      watch.disconnect()
      made.destroy()
    }
  }, [])
  useEffect(() => {
    plot.current?.setData([[...points.at], points.down.map(megabits), points.up.map(megabits)])
  }, [points])
  return (
    <>
      <div class="legend small soft" aria-hidden="true">
        <span>Down</span>
        <span class="up">Up</span>
      </div>
      <div class="curve" ref={place} role="img" aria-label={label} />
    </>
  )
}
