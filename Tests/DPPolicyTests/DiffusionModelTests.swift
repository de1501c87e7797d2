import DPGraph
import TestSupport
import Testing

@testable import DPPolicy

/// The settings that the graphs distinguish.
struct Variant: Sendable, CustomTestStringConvertible {
    var conditioning: Conditioning
    var prediction: Prediction

    static let all = Conditioning.allCases.flatMap { conditioning in
        Prediction.allCases.map { Variant(conditioning: conditioning, prediction: $0) }
    }

    var testDescription: String { "\(conditioning), \(prediction)" }
}

/// A batch of two windows, as flat arrays.
private struct Batch {
    let action = fill("action", count: 2 * 4 * 2)
    let steps: [Float] = [2, 7]
    let observation: [Float]
    let noise: [Float]

    init(_ model: DiffusionModel) {
        observation = fill("window", count: 2 * model.trainingObservations * 3)
        noise = fill("noise", count: 2 * 4 * model.sampleDimension)
    }

    func write(to executable: any Executable) {
        executable.write("action", action)
        executable.write("observation", observation)
        executable.write("noise", noise)
        executable.write("steps", steps)
    }
}

private func loss(of tiny: TinyPolicy, weights: [Float], on tested: TestedBackend = .reference) throws -> Float {
    let backend = tested.makeBackend()
    let parameters = try backend.makeBuffer(count: weights.count)
    parameters.write(weights)
    let executable = try backend.compile(tiny.model.lossGraph(batch: 2), parameters: parameters, gradients: nil)
    Batch(tiny.model).write(to: executable)
    try executable.run(.iteration)
    return executable.read("loss", count: 1)[0]
}

@Test(arguments: Variant.all, TestedBackend.allCases)
func lossIsThatOfTheDefinition(variant: Variant, tested: TestedBackend) throws {
    let tiny = try TinyPolicy(conditioning: variant.conditioning, prediction: variant.prediction)
    let batch = Batch(tiny.model)
    let schedule = try tiny.configuration.diffusion.schedule()
    let (channels, observations) = (tiny.model.sampleDimension, tiny.model.trainingObservations)
    var sum = 0.0
    for item in 0..<2 {
        let step = Int(batch.steps[item])
        let window = Array(batch.observation[item * observations * 3..<(item + 1) * observations * 3])
        let known = Array(window[..<6])
        let noise = Array(batch.noise[item * 4 * channels..<(item + 1) * 4 * channels])
        var sample: [Float] = []
        for time in 0..<4 {
            sample += batch.action[(item * 4 + time) * 2..<(item * 4 + time + 1) * 2]
            if variant.conditioning == .inpainting { sample += window[time * 3..<(time + 1) * 3] }
        }
        let (scale, noiseScale) = (Float(schedule.sampleScales[step]), Float(schedule.noiseScales[step]))
        let diffused = zip(sample, noise).map { scale * $0 + noiseScale * $1 }
        let output = try tiny.output(
            tiny.holding(diffused, observation: known), step: step, observation: known)
        for index in output.indices {
            let isKnown = index / channels < 2 && index % channels >= 2
            let target: Float =
                switch variant.prediction {
                case .noise: noise[index]
                case .sample: sample[index]
                case .velocity: scale * noise[index] - noiseScale * sample[index]
                }
            if !isKnown { sum += Double(output[index] - target) * Double(output[index] - target) }
        }
    }
    let expected = Float(sum / Double(2 * 4 * channels))
    #expect(isClose([try loss(of: tiny, weights: tiny.weights, on: tested)], [expected], within: 1e-5))
}

@Test(arguments: Conditioning.allCases, TestedBackend.allCases)
func noiseSamplesAreAsGoodAsWindowsThatOccurAgain(conditioning: Conditioning, tested: TestedBackend) throws {
    let tiny = try TinyPolicy(conditioning: conditioning)
    let batch = Batch(tiny.model)
    func train(_ graph: Graph, repetitions: Int) throws -> (loss: [Float], gradients: [Float]) {
        let backend = tested.makeBackend()
        let parameters = try backend.makeBuffer(count: tiny.weights.count)
        let gradients = try backend.makeBuffer(count: tiny.weights.count)
        parameters.write(tiny.weights)
        let executable = try backend.compile(graph, parameters: parameters, gradients: gradients)
        for (name, both) in [("action", batch.action), ("observation", batch.observation)] {
            let window = Array(both[..<(both.count / 2)])
            executable.write(name, Array(repeatElement(window, count: repetitions).joined()))
        }
        executable.write("noise", batch.noise)
        executable.write("steps", batch.steps)
        executable.write("loss_scale", [1])
        try executable.run(.iteration)
        return (executable.read("loss", count: 1), gradients.values())
    }
    let once = try train(tiny.model.trainingGraph(batch: 1, noiseSamples: 2), repetitions: 1)
    let twice = try train(tiny.model.trainingGraph(batch: 2), repetitions: 2)
    #expect(isClose(once.loss, twice.loss, within: 1e-6))
    #expect(isClose(once.gradients, twice.gradients, within: 1e-5))
}

@Test(arguments: Conditioning.allCases, TestedBackend.allCases)
func gradientsAreSlopesTimesTheLossScale(conditioning: Conditioning, tested: TestedBackend) throws {
    let tiny = try TinyPolicy(conditioning: conditioning, prediction: .velocity)
    let backend = tested.makeBackend()
    let parameters = try backend.makeBuffer(count: tiny.weights.count)
    let gradients = try backend.makeBuffer(count: tiny.weights.count)
    parameters.write(tiny.weights)
    let executable = try backend.compile(
        tiny.model.trainingGraph(batch: 2), parameters: parameters, gradients: gradients)
    Batch(tiny.model).write(to: executable)
    executable.write("loss_scale", [0.25])
    try executable.run(.iteration)
    let found = gradients.values()
    #expect(isClose(executable.read("loss", count: 1), [try loss(of: tiny, weights: tiny.weights)], within: 1e-5))

    for name in ["down_modules.0.0.blocks.0.block.0.weight", "final_conv.1.bias"] {
        let index = tiny.model.table.ranges[try #require(tiny.model.table.index(of: name))].offset + 1
        var (below, above) = (tiny.weights, tiny.weights)
        below[index] -= 0.01
        above[index] += 0.01
        let slope = (try loss(of: tiny, weights: above) - loss(of: tiny, weights: below)) / 0.02
        #expect(abs(found[index] - 0.25 * slope) < 1e-3 * max(0.1, abs(slope)), "\(name)")
        #expect(found[index] != 0, "\(name)")
    }
}

@Test(
    arguments: Variant.all,
    [Sampler.ddpm(), .ddpm(steps: 4, variance: .fixedLarge), .ddim(steps: 3), .ddim(steps: 5, eta: 0.5)])
func compiledStepIsThatOfTheTable(variant: Variant, sampler: Sampler) throws {
    let tiny = try TinyPolicy(conditioning: variant.conditioning, prediction: variant.prediction)
    let schedule = try tiny.configuration.diffusion.schedule()
    let table = try sampler.table(for: variant.prediction, schedule: schedule)
    let observation = fill("known", count: 6)
    let sample = fill("sample", count: 4 * tiny.model.sampleDimension)
    let noise = fill("fresh", count: sample.count)
    let held = tiny.holding(sample, observation: observation)
    let outputs = try table.map { try tiny.output(held, step: $0.timestep, observation: observation) }
    for tested in TestedBackend.allCases {
        let backend = tested.makeBackend()
        let parameters = try backend.makeBuffer(count: tiny.weights.count)
        parameters.write(tiny.weights)
        let executable = try backend.compile(
            tiny.model.stepGraph(batch: 1, sampler: sampler), parameters: parameters, gradients: nil)
        executable.write("observation", observation)
        try executable.run(.conditioning)
        for (position, step) in table.enumerated() {
            executable.write("sample", sample)
            executable.write("step", [Float(position)])
            if sampler.isStochastic { executable.write("noise", noise) }
            try executable.run(.iteration)
            let expected = held.indices.map {
                Float(
                    step.previous(
                        current: Double(held[$0]), output: Double(outputs[position][$0]), noise: Double(noise[$0]),
                        clip: 1))
            }
            #expect(isClose(executable.read("previous", count: sample.count), expected), "\(tested), \(position)")
        }
    }
}

@Test func observationsAreComputedOncePerChunk() throws {
    let tiny = try TinyPolicy()
    let graph = try tiny.model.stepGraph(batch: 1, sampler: .ddim(steps: 3))
    let linearAtChunk = graph.nodes.contains { $0.rate == .conditioning }
    #expect(linearAtChunk)
    #expect(graph.type(of: try #require(graph.outputs.first).value).shape == [1, 4, 2])
}

@Test(arguments: Conditioning.allCases, TestedBackend.allCases)
func networkGraphIsTheNetworkAlone(conditioning: Conditioning, tested: TestedBackend) throws {
    let tiny = try TinyPolicy(conditioning: conditioning)
    let graph = tiny.model.networkGraph(batch: 1)
    let inputRates = graph.nodes.compactMap { if case .input(_, _, let rate) = $0.operation { rate } else { nil } }
    #expect(inputRates == [.iteration, .iteration, .iteration])
    let (backend, sample) = (tested.makeBackend(), fill("sample", count: 4 * tiny.model.sampleDimension))
    let parameters = try backend.makeBuffer(count: tiny.weights.count)
    parameters.write(tiny.weights)
    let executable = try backend.compile(graph, parameters: parameters, gradients: nil)
    let observation = fill("known", count: 6)
    executable.write("observation", observation)
    executable.write("sample", sample)
    executable.write("steps", [7])
    try executable.run(.iteration)
    let expected = try tiny.output(tiny.holding(sample, observation: observation), step: 7, observation: observation)
    #expect(isClose(executable.read("output", count: sample.count), expected))
}
