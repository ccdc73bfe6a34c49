package pdfium

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/emscripten"
)

//go:embed pdfium.wasm.gz
var packed []byte

// maxPages bounds what one PDF may use: 64 KiB × 12288 = 768 MiB, of which about
// 20 are PDFium's own.
const maxPages = 12 << 10

// engine is the compiled module. Compiling takes some seconds of one core, so it
// is done once in a process, when the first PDF comes.
type engine struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

var compiled = sync.OnceValues(compile)

func compile() (engine, error) {
	ctx := context.Background() // outlives the request that happened to be the first
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return engine{}, fmt.Errorf("unpack pdfium: %w", err)
	}
	wasm, err := io.ReadAll(z)
	if err != nil {
		return engine{}, fmt.Errorf("unpack pdfium: %w", err)
	}
	config := wazero.NewRuntimeConfig().
		WithMemoryLimitPages(maxPages).
		WithCloseOnContextDone(true)
	rt := wazero.NewRuntimeWithConfig(ctx, config)
	mod, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		return engine{}, fmt.Errorf("compile pdfium: %w", err)
	}
	if err := host(ctx, rt, mod); err != nil {
		return engine{}, fmt.Errorf("host of pdfium: %w", err)
	}
	return engine{rt, mod}, nil
}

// Error numbers of WASI, which emscripten's libc uses too.
const (
	errBadFD   = 8
	errNoEntry = 44
	errNoCall  = 52
)

// host gives the module what emscripten's libc imports: a memory that grows,
// longjmp, and a world without files, environment and clock. The time is always
// 1970, so that the same bytes give the same result.
func host(ctx context.Context, rt wazero.Runtime, guest wazero.CompiledModule) error {
	env := rt.NewHostModuleBuilder("env")
	jumps, err := emscripten.NewFunctionExporterForModule(guest) // invoke_* and longjmp
	if err != nil {
		return err
	}
	jumps.ExportFunctions(env)

	fn := func(b wazero.HostModuleBuilder, name string, f any) {
		b.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	fn(env, "emscripten_resize_heap", grow)
	fn(env, "emscripten_date_now", func() float64 { return 0 })
	fn(env, "_tzset_js", func(context.Context, api.Module, uint32, uint32, uint32, uint32) {})
	fn(env, "_gmtime_js", brokenDown)
	fn(env, "_localtime_js", brokenDown)
	fn(env, "_abort_js", func() { panic("pdfium: abort") }) // wazero makes it the error of the call

	fn(env, "__syscall_openat", func(_, _, _, _ int32) int32 { return -errNoEntry })
	fn(env, "__syscall_fcntl64", func(_, _, _ int32) int32 { return -errBadFD })
	fn(env, "__syscall_ioctl", func(_, _, _ int32) int32 { return -errBadFD })
	fn(env, "__syscall_fstat64", func(_, _ int32) int32 { return -errBadFD })
	fn(env, "__syscall_stat64", func(_, _ int32) int32 { return -errNoEntry })
	fn(env, "__syscall_lstat64", func(_, _ int32) int32 { return -errNoEntry })
	fn(env, "__syscall_newfstatat", func(_, _, _, _ int32) int32 { return -errNoEntry })
	fn(env, "__syscall_ftruncate64", func(_ int32, _ int64) int32 { return -errBadFD })
	fn(env, "__syscall_getdents64", func(_, _, _ int32) int32 { return -errBadFD })
	fn(env, "__syscall_unlinkat", func(_, _, _ int32) int32 { return -errNoCall })
	fn(env, "__syscall_rmdir", func(_ int32) int32 { return -errNoCall })
	if _, err := env.Instantiate(ctx); err != nil {
		return err
	}

	wasi := rt.NewHostModuleBuilder("wasi_snapshot_preview1")
	fn(wasi, "fd_close", func(_ int32) int32 { return errBadFD })
	fn(wasi, "fd_sync", func(_ int32) int32 { return errBadFD })
	fn(wasi, "fd_read", func(_, _, _, _ int32) int32 { return errBadFD })
	fn(wasi, "fd_write", func(_, _, _, _ int32) int32 { return errBadFD })
	fn(wasi, "fd_seek", func(_ int32, _ int64, _, _ int32) int32 { return errBadFD })
	fn(wasi, "environ_get", func(_, _ int32) int32 { return 0 })
	fn(wasi, "environ_sizes_get", func(_ context.Context, m api.Module, count, size uint32) int32 {
		m.Memory().WriteUint32Le(count, 0)
		m.Memory().WriteUint32Le(size, 0)
		return 0
	})
	_, err = wasi.Instantiate(ctx)
	return err
}

// grow gives the guest's memory at least size bytes; 0 says that it cannot be had.
func grow(_ context.Context, m api.Module, size uint32) uint32 {
	have := m.Memory().Size()
	if size <= have {
		return 1
	}
	// A quarter more than asked for: each growth copies the whole memory.
	ask := min(uint64(size)+uint64(size)/4, maxPages<<16)
	if ask < uint64(size) {
		return 0
	}
	pages := uint32((ask - uint64(have) + 1<<16 - 1) >> 16)
	if _, ok := m.Memory().Grow(pages); !ok {
		return 0
	}
	return 1
}

// brokenDown writes the time as a struct tm of musl, in UTC.
func brokenDown(_ context.Context, m api.Module, seconds int64, tm uint32) {
	t := time.Unix(seconds, 0).UTC()
	for i, v := range []int{t.Second(), t.Minute(), t.Hour(), t.Day(), int(t.Month()) - 1,
		t.Year() - 1900, int(t.Weekday()), t.YearDay() - 1, 0, 0} {
		m.Memory().WriteUint32Le(tm+4*uint32(i), uint32(v))
	}
}
