'use client';
import { useEffect, useState } from 'react';
import { Memory } from 'synced-memory/edge';

export default function Page() {
  const [tasks, setTasks] = useState([]);
  useEffect(() => {
    Memory.open('memory:').then((mem) => {
      mem.tasks = ['draft'];
      setTasks([...mem.tasks]);
    });
  }, []);
  return <p id="tasks">{tasks.join()}</p>;
}
