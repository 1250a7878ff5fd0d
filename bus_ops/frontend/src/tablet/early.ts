// Wakes the browser's store while the app itself is still being read: a cold start is sooner ready.
const asked = indexedDB.open("bus-ops-tablet");

// Making the stores is the app's own work: where there are none yet, leave no trace.
asked.onupgradeneeded = () => asked.transaction?.abort();
asked.onerror = (event) => event.preventDefault();
asked.onsuccess = () => {
  const database = asked.result;
  database.onversionchange = () => database.close();
  setTimeout(() => database.close(), 5_000);
};

export {};
