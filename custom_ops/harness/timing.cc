#include "custom_ops/harness/timing.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>

#include "custom_ops/harness/cases.h"
#include "custom_ops/harness/copy.h"
#include "custom_ops/harness/device.h"

namespace gfla {
namespace harness {
namespace {

constexpr int kRounds = 21;
constexpr double kRoundMicroseconds = 2000;  // long enough to hide the launch overhead of the host

// Queues one of several calls, each with its own tensors, on a stream.
using Launcher = std::function<int(int64_t turn, cudaStream_t stream)>;

// A graph of `launches` calls, recorded once and launched as one.
class Recording {
 public:
  Recording(int64_t launches, const Launcher& launch, cudaStream_t stream) {
    Check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
    for (int64_t turn = 0; turn < launches; ++turn) Check(launch(turn, stream), "a kernel's launch");
    Check(cudaStreamEndCapture(stream, &graph_), "cudaStreamEndCapture");
    Check(cudaGraphInstantiateWithFlags(&executable_, graph_, 0), "cudaGraphInstantiate");
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() {
    cudaGraphExecDestroy(executable_);
    cudaGraphDestroy(graph_);
  }

  // Launches the graph; returns its time in microseconds.
  double Play(cudaStream_t stream, cudaEvent_t begin, cudaEvent_t end) const {
    Check(cudaEventRecord(begin, stream), "cudaEventRecord");
    Check(cudaGraphLaunch(executable_, stream), "cudaGraphLaunch");
    Check(cudaEventRecord(end, stream), "cudaEventRecord");
    Check(cudaEventSynchronize(end), "cudaEventSynchronize");
    float milliseconds = 0;
    Check(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
    return 1000.0 * milliseconds;
  }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

// The quartiles of the time of one call in microseconds.
std::vector<double> Quartiles(const Launcher& launch) {
  cudaStream_t stream;
  cudaEvent_t begin, end;
  Check(cudaStreamCreate(&stream), "cudaStreamCreate");
  Check(cudaEventCreate(&begin), "cudaEventCreate");
  Check(cudaEventCreate(&end), "cudaEventCreate");
  constexpr int64_t kTrial = 10;
  const Recording trial(kTrial, launch, stream);
  trial.Play(stream, begin, end);
  const double estimate = trial.Play(stream, begin, end) / kTrial;
  const int64_t launches = std::max<int64_t>(1, static_cast<int64_t>(kRoundMicroseconds / estimate));
  const Recording recording(launches, launch, stream);
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    times.push_back(recording.Play(stream, begin, end) / static_cast<double>(launches));
  }
  Check(cudaEventDestroy(begin), "cudaEventDestroy");
  Check(cudaEventDestroy(end), "cudaEventDestroy");
  Check(cudaStreamDestroy(stream), "cudaStreamDestroy");
  std::sort(times.begin(), times.end());
  return {times[kRounds / 4], times[kRounds / 2], times[3 * kRounds / 4]};
}

// A call's tensors on the GPU.
template <typename T>
struct OnDevice {
  using Real = ComputeType<T>;

  OnDevice(const Call& call, Flow flow, Random* random)
      : source(RandomValues<T>(call.source_count(), true, random), 0),
        upstream(RandomValues<T>(call.out_count(), true, random), 0),
        flow(RandomFlow<Real>(call, flow, random), 0),
        kernels(RandomValues<Real>(call.kernels_count(), true, random), 0),
        out(call.out_count()),
        source_gradient(call.source_count()),
        flow_gradient(call.flow_count()),
        kernels_gradient(call.kernels_count()),
        scratch(sizeof(T) == 2 ? call.source_count() : 0) {}

  Tensors<T> tensors() const {
    return {
        source.data(),          flow.data(),          kernels.data(),          out.data(),    upstream.data(),
        source_gradient.data(), flow_gradient.data(), kernels_gradient.data(), scratch.data()};
  }

  DeviceArray<T> source, upstream;
  DeviceArray<Real> flow, kernels;
  DeviceArray<T> out, source_gradient;
  DeviceArray<Real> flow_gradient, kernels_gradient;
  DeviceArray<float> scratch;
};

template <typename T>
int64_t BytesOf(const Call& call, bool gradient) {
  const int64_t maps = call.source_count() + call.out_count();
  const int64_t weights = call.flow_count() + call.kernels_count();
  const int64_t bytes = maps * int64_t{sizeof(T)} + weights * int64_t{sizeof(ComputeType<T>)};
  if (!gradient) return bytes;
  return bytes + call.source_count() * int64_t{sizeof(T)} + weights * int64_t{sizeof(ComputeType<T>)};
}

// Consecutive calls use different tensors, together four times as large as the L2 cache, so that every call
// reads from memory.
template <typename T>
void TimeCall(const Call& call, Flow flow, const char* flow_name, std::vector<Timing>* timings) {
  cudaDeviceProp device;
  Check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  const int64_t sets = 1 + 4 * int64_t{device.l2CacheSize} / BytesOf<T>(call, false);
  Random random(1);
  std::vector<std::unique_ptr<OnDevice<T>>> on_device;
  for (int64_t i = 0; i < sets; ++i) {
    on_device.push_back(std::make_unique<OnDevice<T>>(call, flow, &random));
  }
  for (bool gradient : {false, true}) {
    const std::vector<double> quartiles = Quartiles([&](int64_t turn, cudaStream_t stream) {
      return RunOnGpu(call, gradient, on_device[static_cast<size_t>(turn) % on_device.size()]->tensors(),
                      stream);
    });
    timings->push_back({Name(call.noun), gradient ? "gradient" : "forward", Name(T()), flow_name, call.shape,
                        call.parameter, quartiles[1], quartiles[2] - quartiles[0],
                        BytesOf<T>(call, gradient)});
  }
}

void TimeCopies(std::vector<Timing>* timings) {
  constexpr int64_t kBytes = int64_t{1} << 30;
  const DeviceArray<char> from(kBytes), to(kBytes);
  const auto add = [&](const char* name, const Launcher& launch) {
    const std::vector<double> quartiles = Quartiles(launch);
    timings->push_back({name, "copy", "", "", {}, 0, quartiles[1], quartiles[2] - quartiles[0], 2 * kBytes});
  };
  add("cudaMemcpy", [&](int64_t, cudaStream_t stream) {
    return cudaMemcpyAsync(to.data(), from.data(), size_t{kBytes}, cudaMemcpyDeviceToDevice, stream);
  });
  add("copy kernel",
      [&](int64_t, cudaStream_t stream) { return LaunchCopy(from.data(), to.data(), kBytes, stream); });
}

Call At(Noun noun, int64_t batch, int64_t height, int64_t width, int64_t channels, int parameter) {
  return {noun, {batch, height, width, channels, height, width}, parameter, 2.0};
}

}  // namespace

std::vector<Timing> TimeKernels() {
  std::vector<Timing> timings;
  TimeCopies(&timings);
  for (int64_t batch : {8, 1}) {
    for (const Call& call :
         {At(Noun::kLocalAttention, batch, 64, 64, 128, 5), At(Noun::kLocalAttention, batch, 32, 32, 256, 3),
          At(Noun::kLocalAttention, batch, 32, 16, 128, 3)}) {
      TimeCall<float>(call, Flow::kSmooth, "smooth", &timings);
      TimeCall<float>(call, Flow::kRough, "rough", &timings);
      TimeCall<Half>(call, Flow::kSmooth, "smooth", &timings);
      TimeCall<BFloat16>(call, Flow::kSmooth, "smooth", &timings);
    }
  }
  for (const Call& call :
       {At(Noun::kFlowedPatches, 8, 64, 64, 128, 5), At(Noun::kBilinearWarp, 8, 64, 64, 128, 0),
        At(Noun::kGaussianWarp, 8, 64, 64, 128, 4)}) {
    TimeCall<float>(call, Flow::kSmooth, "smooth", &timings);
    TimeCall<Half>(call, Flow::kSmooth, "smooth", &timings);
  }
  return timings;
}

void Print(const std::vector<Timing>& timings) {
  double copy_rate = 0;
  const auto rate = [](const Timing& timing) {
    return static_cast<double>(timing.bytes) / timing.microseconds;
  };
  for (const Timing& timing : timings) {
    if (timing.pass == "copy") copy_rate = std::max(copy_rate, rate(timing));
  }
  std::printf("%-16s %-18s %2s %-9s %-7s %-9s %10s %8s %9s %7s\n", "operator", "map", "n", "type", "flow",
              "pass", "us", "spread", "GB/s", "of copy");
  for (const Timing& timing : timings) {
    const Shape& shape = timing.shape;
    char map[64] = "1 GiB";
    if (timing.pass != "copy") {
      std::snprintf(map, sizeof(map), "%dx%dx%dx%d", static_cast<int>(shape.batch),
                    static_cast<int>(shape.height), static_cast<int>(shape.width),
                    static_cast<int>(shape.channels));
    }
    std::printf("%-16s %-18s %2d %-9s %-7s %-9s %10.2f %8.2f %9.0f %6.1f%%\n", timing.name.c_str(), map,
                timing.n, timing.type.c_str(), timing.flow.c_str(), timing.pass.c_str(), timing.microseconds,
                timing.spread, rate(timing) / 1e3, 100 * rate(timing) / copy_rate);
  }
}

void WriteJson(const std::vector<Timing>& timings, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + path);
  const char* separator = "[";
  for (const Timing& timing : timings) {
    const Shape& shape = timing.shape;
    std::fprintf(file,
                 "%s\n{\"name\": \"%s\", \"pass\": \"%s\", \"type\": \"%s\", \"flow\": \"%s\", \"shape\": "
                 "[%lld, %lld, %lld, "
                 "%lld], \"n\": %d, \"microseconds\": %.3f, \"spread\": %.3f, \"bytes\": %lld}",
                 separator, timing.name.c_str(), timing.pass.c_str(), timing.type.c_str(),
                 timing.flow.c_str(), static_cast<long long>(shape.batch),
                 static_cast<long long>(shape.height), static_cast<long long>(shape.width),
                 static_cast<long long>(shape.channels), timing.n, timing.microseconds, timing.spread,
                 static_cast<long long>(timing.bytes));
    separator = ",";
  }
  std::fprintf(file, "\n]\n");
  if (std::fclose(file) != 0) throw std::runtime_error("cannot write " + path);
}

}  // namespace harness
}  // namespace gfla
