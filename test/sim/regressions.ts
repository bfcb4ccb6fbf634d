/**
 * Seeds that found a defect, as short or as long lives: run each time, though later changes of the simulation make other
 * runs of them. The defect itself has a test of its own at the lowest floor that can fail.
 */
export const regressions: readonly { seed: number; long: boolean; found: string }[] = [
  { seed: 13, long: false, found: 'a slot that came back was made anew at the same time: two segments in one file' },
  { seed: 111, long: false, found: 'the same, without an error of the disk' },
  {
    seed: 88,
    long: false,
    found: 'a frame whose sync had failed was never written, because the process died meanwhile',
  },
  { seed: 101, long: false, found: 'a simulated reader took the end of a queue that was settled and removed for lost' },
  { seed: 151, long: false, found: 'a read from a settled record on gave nothing, though others followed' },
  {
    seed: 398,
    long: false,
    found: 'a full segment was adopted before its predecessor, which a second crash then lost',
  },
  { seed: 800, long: false, found: 'the cleaner removed everything in a start that took long' },
  {
    seed: 2072,
    long: false,
    found: 'an MQTT 3.1.1 publisher that sent PUBREL again was disconnected, each time',
  },
  { seed: 2100, long: false, found: 'what a slow net brought only after the count was taken for lost' },
  { seed: 3030, long: false, found: 'the cleaner committed before the first frame of the epoch' },
]
