internal import CDPKernels

/// A range of a flat vector in the format that a product requires.
final class PackedWeights {
    /// How the weights are arranged.
    enum Form: Equatable {
        /// As a library primitive requires, copied from another layout.
        case layout(OneDNN.Layout, from: OneDNN.Layout)
        /// As skinny and blocked GEMM read it.
        case panels(Panels)
        /// As Winograd's algorithm reads it, for a convolution or its transpose.
        case winograd(Panels, isTransposed: Bool)
    }

    let offset: Int
    let form: Form
    let memory: AlignedMemory
    /// The factor of each output's weights, if they are 8-bit.
    let scales: AlignedMemory?
    /// The minimum cost of packing.
    let cost: Cost
    private let pack: () -> Void
    private var version = -1

    init(of buffer: CPUBuffer, offset: Int, as form: Form, oneDNN: OneDNN, threads: Int32) throws {
        self.offset = offset
        self.form = form
        let source = buffer.floats + offset
        switch form {
        case .layout(let layout, let plain):
            memory = try buffer.memoryOfPacked.block(byteCount: layout.byteCount)
            scales = nil
            cost = Cost(byteCount: plain.byteCount + layout.byteCount)
            let reorder = oneDNN.reorder(
                from: plain, at: UnsafeMutableRawPointer(source), to: layout, at: memory.start)
            pack = { reorder.execute() }
        case .panels(let panels):
            var description = panels.description
            let memory = try buffer.memoryOfPacked.block(byteCount: ck_panels_size(&description))
            let scales = panels.format == ck_int8 ? try AlignedMemory(floats: panels.outputs) : nil
            (self.memory, self.scales) = (memory, scales)
            cost = Cost(byteCount: 4 * panels.outputs * panels.inputs * panels.taps + memory.byteCount)
            pack = { [strides = panels.strides] in
                ck_pack_panels(&description, source, strides, memory.start, scales?.floats, threads)
            }
        case .winograd(let panels, let isTransposed):
            var description = panels.description
            let memory = try buffer.memoryOfPacked.block(byteCount: ck_panels_size(&description))
            (self.memory, scales) = (memory, nil)
            cost = Cost(byteCount: 4 * panels.outputs * panels.inputs * 9 + memory.byteCount)
            pack = { [strides = panels.strides] in
                ck_pack_winograd(&description, source, strides, isTransposed ? 1 : 0, memory.floats, threads)
            }
        }
    }

    /// Packs the weights again if they have changed.
    func update(to version: Int) {
        guard self.version != version else { return }
        pack()
        self.version = version
    }
}

/// Weights of the taps of a product in the order in which its kernel reads them.
struct Panels: Equatable {
    var outputs, inputs, taps: Int
    /// Distances between neighboring outputs, inputs and taps in the flat vector.
    var strides: [Int]
    /// The storage format of the weights.
    var format: ck_format
    /// Whether they are multiplied as pairs of bfloat16.
    var isPaired: Bool

    /// The panels as the kernel expects them.
    var description: ck_panels {
        ck_panels(outputs: outputs, inputs: inputs, taps: taps, format: format, pairs: isPaired ? 1 : 0)
    }
}
